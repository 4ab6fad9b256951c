import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parquetWriteBuffer } from "hyparquet-writer"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import * as DiskCatalogueFiles from "../../../src/layers/sources/DiskCatalogueFiles.ts"
import * as FileRows from "../../../src/layers/sources/FileRows.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import type { LabelColumns } from "../../../src/pipeline/LabelColumnConfig.ts"
import type { BeginWishes } from "../../../src/run/begin/beginCatalogue.ts"
import { beginCatalogue } from "../../../src/run/begin/beginCatalogue.ts"
import { publishedWeights, trainingDefaults } from "../../../src/run/begin/trainingDefaults.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const layer = (known: Parameters<typeof Pretrained.layerMemory>[0] = {}) =>
  Layer.mergeAll(DiskCatalogueFiles.layer, FileRows.layer, Machine.layerTest, Pretrained.layerMemory(known))

const write = (root: string, files: Readonly<Record<string, string | Uint8Array>>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

/** Photos that nobody decodes here. */
const photos = (paths: ReadonlyArray<string>) => Object.fromEntries(paths.map((path) => [path, "x"]))
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

const begun = Effect.fnUntraced(function* (path: string, wishes: Partial<BeginWishes> = {}) {
  const { config, lines } = yield* beginCatalogue(path, { resolve: (one) => one, ...wishes })
  return { config: yield* decodeRunConfig(config, "test"), lines }
})

const on = <A, E>(
  test: (root: string) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof layer>>>,
  known?: Parameters<typeof layer>[0]
) => Effect.flatMap(temporaryFolder, test).pipe(Effect.provide([layer(known), NodeServices.layer]), Effect.scoped)

describe("a catalogue of which only the path is known", () => {
  it.effect("is three classes of twenty photos", () =>
    on(
      Effect.fnUntraced(function* (root) {
        write(root, photos(["cap", "tie", "sock"].flatMap((kind) => range(20).map((i) => `photos/${kind}/${i}.jpg`))))
        const { config, lines } = yield* begun(join(root, "photos"))
        assert.strictEqual(config.name, "photos")
        assert.deepStrictEqual(
          [config.data.root, config.data.folders, config.data.minPerClass],
          [join(root, "photos"), true, 20]
        )
        assert.strictEqual(lines[0], "class folders; 3 classes; 60 images")
        assert.match(
          lines[1] ?? "",
          /^simple-cnn, at 64x64, 30 epochs: less than a minute, .* on 1 thread\. No pretrained weights are here/
        )
        assert.strictEqual(config.train.batchSize, 8)
        // A column of class folders: the folder is the class.
        const error = yield* Effect.flip(begun(join(root, "photos"), { label: "kind" }))
        assert.match(error.message, /these are class folders, without a column "kind"\. Leave --label out/)
      })
    )
  )

  it.effect("has a minimum of rows in a class that every label column can bear", () =>
    on(
      Effect.fnUntraced(function* (root) {
        const rows = range(100).map((i) => `A${i},${i % 2 === 0 ? "cap" : "tie"},${i % 12},n${i}`)
        write(root, { "shop/products.csv": ["sku,category,month,note", ...rows].join("\n") })
        write(root, photos(range(100).map((i) => `shop/images/A${i}.jpg`)))
        const minimum = (label: LabelColumns) =>
          Effect.map(begun(join(root, "shop"), { label }), ({ config }) => config.data.minPerClass)
        assert.strictEqual(yield* minimum("category"), 50)
        assert.strictEqual(yield* minimum(["category", "month"]), 5)
        const error = yield* Effect.flip(begun(join(root, "shop"), { label: ["category", "note"] }))
        assert.match(
          error.message,
          /of the column "note"'s 100 classes, fewer than two have 3 photos\. Leave this column out/
        )
      })
    )
  )

  it.effect("is a CSV of Latin names in a folder with images, and the same by its own name", () =>
    on(
      Effect.fnUntraced(function* (root) {
        const rows = range(90).map((i) => `A${i};${["Hüte", "Schuhe", "Gürtel"][i % 3]};"a; b"`)
        write(root, { "shop/products.csv": ["sku;category;note", ...rows, "B;Socken;"].join("\r\n") })
        write(root, photos(range(90).map((i) => `shop/pictures/A${i}.webp`)))
        const folder = yield* begun(join(root, "shop"))
        assert.match(
          folder.lines[0] ?? "",
          /^products\.csv, semicolons; `category` looks like the label \(4 values\), `sku` like the id; pictures\/\{sku\}\.webp; 91 rows; 1 class has fewer than 20 and is left out/
        )
        const file = yield* begun(join(root, "shop", "products.csv"))
        assert.deepStrictEqual(file.config.data, folder.config.data)
        assert.deepStrictEqual([folder.config.name, file.config.name], ["shop", "products"])
      })
    )
  )

  it.effect("is Hugging Face's imagefolder, and Parquet with images in it", () =>
    on(
      Effect.fnUntraced(function* (root) {
        const lines = range(40).map((i) =>
          JSON.stringify({ file_name: `train/${i}.png`, label: i % 4, more: { a: i } })
        )
        write(root, { "hf/metadata.jsonl": lines.join("\n"), ...photos(range(40).map((i) => `hf/train/${i}.png`)) })
        const { data } = (yield* begun(join(root, "hf"))).config
        assert.deepStrictEqual(
          [data.jsonl, data.images, data.columns, data.minPerClass],
          ["metadata.jsonl", "{file_name}", { id: "file_name", label: "label" }, 10]
        )
        const bytes = parquetWriteBuffer({
          columnData: [
            { name: "image", data: range(40).map((i) => new Uint8Array([0xff, 0xd8, i])), type: "BYTE_ARRAY" },
            { name: "sku", data: range(40).map((i) => `s${i}`), type: "STRING" },
            { name: "kind", data: range(40).map((i) => `k${i % 2}`), type: "STRING" }
          ]
        })
        write(root, { "pq/table.parquet": new Uint8Array(bytes) })
        const parquet = yield* Effect.flip(begun(join(root, "pq"), { label: "colour" }))
        assert.match(parquet.message, /there is no column `colour`, which --label names; it has `sku`, `kind`/)
      })
    )
  )

  it.effect("is class folders where the list beside them is of something else", () =>
    on(
      Effect.fnUntraced(function* (root) {
        write(root, photos(["cap", "tie"].flatMap((kind) => range(9).map((i) => `p/${kind}/${i}.jpg`))))
        write(root, { "p/prices.csv": "name,price\na,1.20\nb,2.30\n" })
        const { config, lines } = yield* begun(join(root, "p"))
        assert.strictEqual(config.data.folders, true)
        assert.match(lines[0] ?? "", /prices\.csv: not taken, as it is no list of these images/)
      })
    )
  )

  it.effect("is nothing: an archive, a configuration, a photo, a gone path, classes of two photos, a workbook", () =>
    on(
      Effect.fnUntraced(function* (root) {
        write(root, { "a.zip": "PK", "c.toml": "", "p.jpg": "x", "w.csv": "PK\u0003\u0004[Content_Types].xml xl/" })
        write(root, photos(["s/cap/1.jpg", "s/cap/2.jpg", "s/tie/1.jpg", "s/tie/2.jpg"]))
        const message = (path: string) => Effect.map(Effect.flip(begun(join(root, path))), (error) => error.message)
        assert.match(yield* message("a.zip"), /this is an archive\. Unpack it, and name the folder/)
        assert.match(yield* message("c.toml"), /no list of images\. If it is a configuration: --config .*c\.toml$/)
        assert.match(yield* message("p.jpg"), /a single photo/)
        assert.match(yield* message("gone"), /there is no such file or folder/)
        assert.match(yield* message("s"), /of its 2 classes, fewer than two have 3 photos/)
        assert.match(yield* message("w.csv"), /workbook|archive|zip/i)
      })
    )
  )

  const scale = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
  const twoClasses = (root: string) => {
    write(root, photos(["cap", "tie"].flatMap((kind) => range(30).map((i) => `p/${kind}/${i}.jpg`))))
    return join(root, "p")
  }
  it.effect("begins with pretrained weights where they are at hand, by the numbers of the file where it has them", () =>
    Effect.gen(function* () {
      yield* on(
        Effect.fnUntraced(function* (root) {
          const { config, lines } = yield* begun(twoClasses(root))
          const { image, network } = config
          assert.deepInclude(network, { name: "mobilenet-v2", weights: publishedWeights, trainable: "head" })
          assert.deepStrictEqual([image.height, image.mean, image.std], [224, scale.mean, scale.std])
          assert.match(lines[1] ?? "", /^mobilenet-v2 with the weights hf:timm/)
          const simple = yield* begun(join(root, "p"), { network: "simple-cnn" })
          assert.strictEqual(simple.config.network.weights, undefined)
        }),
        { [publishedWeights]: { metadata: {}, tensors: new Map() } }
      )
      yield* on(
        Effect.fnUntraced(function* (root) {
          const { image, network } = (yield* begun(twoClasses(root))).config
          assert.strictEqual(network.weights, "data/mobilenetv2_100.safetensors")
          assert.strictEqual(image.mean, undefined)
        }),
        { "data/mobilenetv2_100.safetensors": { metadata: { mean: "0.5,0.5,0.5" }, tensors: new Map() } }
      )
    })
  )
})

describe("what a run is by default", () => {
  it("takes a few minutes: fewer epochs, then smaller images, the more photos there are", () => {
    const of = (images: number, threads: number) => {
      const { image, train } = trainingDefaults(images, threads, {}, undefined).table as {
        readonly image: { readonly height: number }
        readonly train: { readonly epochs: number; readonly batchSize: number }
      }
      return [image.height, train.epochs, train.batchSize]
    }
    assert.deepStrictEqual(of(48, 2), [64, 30, 8])
    assert.deepStrictEqual(of(1500, 2), [64, 14, 16])
    assert.deepStrictEqual(of(6000, 2), [48, 6, 32])
    assert.deepStrictEqual(of(31_000, 2), [48, 3, 32])
    assert.deepStrictEqual(of(31_000, 16), [64, 6, 32])
  })

  it("is what the command line says", () => {
    const wishes = { epochs: 7, size: { height: 96, width: 72 }, network: "simple-cnn" }
    const { line, table } = trainingDefaults(1000, 2, wishes, { source: "w", network: "mobilenet-v2" })
    assert.deepInclude(table["image"], { height: 96, width: 72 })
    assert.deepStrictEqual(table["network"], { name: "simple-cnn" })
    assert.deepInclude(table["train"], { epochs: 7 })
    assert.match(line, /^simple-cnn, at 96x72, 7 epochs/)
  })
})
