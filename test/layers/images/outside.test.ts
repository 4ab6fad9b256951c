import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { createHash } from "node:crypto"
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as FileRows from "../../../src/layers/sources/FileRows.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import * as SharpThumbnails from "../../../src/layers/images/SharpThumbnails.ts"
import { layerWith } from "../../../src/layers/images/feed/WorkerFeed.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { Feed } from "../../../src/pipeline/Feed.ts"
import { makeLosses } from "../../../src/pipeline/Losses.ts"
import * as Pipeline from "../../../src/pipeline/Pipeline.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { inspectData } from "../../../src/run/inspect/inspectData.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"
import { writeCatalogue } from "../../catalogue.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const stages = Layer.merge(SharpImages.layer, Augment.layer)
const layers = Layer.mergeAll(
  FileRows.layer,
  SampleCatalogue.layerAt("nowhere"),
  layerWith(1).pipe(Layer.provideMerge(stages)),
  SharpThumbnails.layer
).pipe(Layer.provideMerge(NodeServices.layer))

/** Rows that lead outside, each once to a photo and once to nothing. */
const outside = {
  up: ["../elsewhere/secret.png", "../elsewhere/none.png"],
  absolute: ["ELSEWHERE/secret.png", "ELSEWHERE/none.png"],
  link: ["photos/link.png", "photos/dangling.png"],
  folder: ["photos/away/secret.png", "photos/away/none.png"],
  system: ["../../../../../../../../etc/passwd", "../../../../../../../../etc/no-such-file"],
  "system, absolute": ["/etc/passwd", "/etc/no-such-file"]
} as const

const catalogue = Effect.gen(function* () {
  const top = yield* temporaryFolder
  const data = join(top, "data")
  const elsewhere = join(top, "elsewhere")
  yield* Effect.promise(() => writeCatalogue(data))
  mkdirSync(elsewhere)
  copyFileSync(join(data, "photos", "plum-0.png"), join(elsewhere, "secret.png"))
  symlinkSync(join(elsewhere, "secret.png"), join(data, "photos", "link.png"))
  symlinkSync("../../elsewhere/none.png", join(data, "photos", "dangling.png"))
  symlinkSync("../../elsewhere", join(data, "photos", "away"))
  symlinkSync("plum-1.png", join(data, "photos", "inside.png"))
  const rows = Object.entries(outside).flatMap(([name, paths]) =>
    paths.map((path, i) => `${name.replace(",", "")} ${i},${path.replace("ELSEWHERE", elsewhere)},plum`)
  )
  // The rows of the catalogue name their photos in its folder of photos.
  const [, ...own] = readFileSync(join(data, "list.csv"), "utf8").trim().split("\r\n")
  const moved = own.map((line) => line.replace(",", ",photos/"))
  const more = ["inside,photos/inside.png,plum", `absolute inside,${join(data, "photos", "plum-2.png")},plum`]
  writeFileSync(join(data, "list.csv"), ["name,file,kind", ...moved, ...rows, ...more, ""].join("\n"))
  const config = (more: object = {}) =>
    decodeRunConfig(
      {
        data: {
          root: data,
          csv: "list.csv",
          images: "{file}",
          columns: { id: "name", label: "kind" },
          minPerClass: 5,
          maxRefused: 1,
          ...more
        },
        image: { height: 50, width: 48 }
      },
      "test"
    )
  return { data, elsewhere, config }
})

describe("rows whose images lie outside the data's folder", () => {
  it.live("are refused, in the same words whether there is something or not", () =>
    Effect.gen(function* () {
      const { config } = yield* catalogue
      const { ledger, test, train, validation } = yield* Pipeline.dataset(yield* config())
      const refused = ledger.refusals.filter(({ reason }) => reason === "imageOutside")
      assert.strictEqual(refused.length, 12)
      for (const { detail } of refused) assert.match(detail, /^[^:]+: the path or a link leads outside `data\.root`/)
      const words = new Set(refused.map(({ detail }) => detail.slice(detail.indexOf(": "))))
      assert.strictEqual(words.size, 1)
      const ids = [...train, ...validation, ...test].map(({ id }) => id)
      assert.includeMembers(ids, ["inside", "absolute inside"])
      assert.strictEqual(ids.length, 38)
      const found = yield* inspectData(yield* config())
      assert.deepInclude(
        found.refused.map(({ count, reason }) => [reason, count]),
        ["imageOutside", 12]
      )
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("are read from the folders that `data.allow` names; their absence is then an absence", () =>
    Effect.gen(function* () {
      const { config, elsewhere } = yield* catalogue
      const { ledger, test, train, validation } = yield* Pipeline.dataset(yield* config({ allow: [elsewhere] }))
      const ids = new Set([...train, ...validation, ...test].map(({ id }) => id))
      const reasons = new Map(ledger.refusals.map(({ id, reason }) => [id, reason]))
      for (const kind of ["up", "absolute", "link", "folder"]) {
        assert.isTrue(ids.has(`${kind} 0`), kind)
        // A link to nothing is not told from one that leads outside.
        assert.strictEqual(reasons.get(`${kind} 1`), kind === "link" ? "imageOutside" : "imageMissing", kind)
      }
      for (const id of ["system 0", "system 1", "system absolute 0", "system absolute 1"])
        assert.strictEqual(reasons.get(id), "imageOutside", id)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("are not read either where a photo becomes a link after the check, nor shown on a page", () =>
    Effect.gen(function* () {
      const { config, data, elsewhere } = yield* catalogue
      const run = yield* config()
      const dataset = yield* Pipeline.dataset(run)
      const sample = dataset.train[3]!
      // The very bytes that were checked: it is the place alone that is wrong.
      const bytes = readFileSync(sample.path)
      writeFileSync(join(elsewhere, "same.png"), bytes)
      rmSync(sample.path)
      symlinkSync(join(elsewhere, "same.png"), sample.path)
      const lost = Effect.gen(function* () {
        const losses = makeLosses(dataset, run.data)
        const batches = yield* Stream.runCollect(Pipeline.trainingBatches(run, dataset.train, losses, 0, 0))
        return batches.flatMap(({ lost = [] }) => lost.map(({ id, reason }) => ({ id, reason })))
      })
      const expected = [{ id: sample.id, reason: "imageOutside" }]
      assert.deepStrictEqual(yield* lost, expected)
      assert.deepStrictEqual(yield* Effect.provideService(lost, Feed, undefined), expected)
      const digest = createHash("sha256").update(bytes).digest("hex")
      const picture = (within: ReadonlyArray<string>) =>
        Thumbnails.use((thumbnails) => thumbnails.of(sample.path, { digest, within }, run.image))
      assert.isUndefined(yield* picture([data]))
      assert.isString(yield* picture([data, elsewhere]))
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
