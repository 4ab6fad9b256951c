import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, utimesSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import { layerIn } from "../../../src/layers/sources/SharpSampleCatalogue.ts"
import type { SampleConfig } from "../../../src/pipeline/DataConfig.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const config: SampleConfig = { images: 300, seed: 5 }

/** Draws with a layer of its own, as a process of its own would. */
const drawn = (parent: string, wanted = config) =>
  Effect.flatMap(SampleCatalogue, (catalogue) => catalogue.draw(wanted)).pipe(
    Effect.provide(Layer.fresh(layerIn(parent)).pipe(Layer.provide(NodeServices.layer)))
  )

const images = (folder: string) => readdirSync(join(folder, "images")).sort()

/** What the file is and a digest of its pixels; nothing where it cannot be decoded whole. */
const pixelsOf = (file: string) =>
  Effect.promise(() => {
    const image = sharp(file, { failOn: "warning" })
    return Promise.all([image.metadata(), image.raw().toBuffer()]).then(
      ([{ channels, format, height, width }, data]) => ({
        channels,
        format,
        height,
        width,
        digest: createHash("sha256").update(data).digest("hex")
      }),
      () => undefined
    )
  })

const digests = (folder: string) =>
  Effect.forEach(images(folder), (name) => pixelsOf(join(folder, "images", name)), { concurrency: 8 })

describe("SharpSampleCatalogue", () => {
  it.effect("draws the same CSV and the same pixels on every run", () =>
    Effect.gen(function* () {
      const [one, two] = [yield* drawn(yield* temporaryFolder), yield* drawn(yield* temporaryFolder)]
      assert.notStrictEqual(one, two)
      assert.strictEqual(readFileSync(join(one, "styles.csv"), "utf8"), readFileSync(join(two, "styles.csv"), "utf8"))
      assert.deepStrictEqual(images(one), images(two))
      const found = yield* digests(one)
      assert.deepStrictEqual(yield* digests(two), found)
      assert.strictEqual(found.length, 297)
      // One file is no image, one is cut off; the others are 60x80 but for one, three channels but for eight.
      const sound = found.flatMap((facts) => facts ?? [])
      assert.strictEqual(sound.length, 295)
      assert.strictEqual(new Set(sound.map(({ digest }) => digest)).size, 295)
      assert.isTrue(sound.every(({ format }) => format === "jpeg"))
      assert.strictEqual(sound.filter(({ height, width }) => width === 60 && height === 80).length, 294)
      assert.strictEqual(sound.filter(({ height, width }) => width === 120 && height === 160).length, 1)
      assert.strictEqual(sound.filter(({ channels }) => channels === 1).length, 8)
      assert.strictEqual(sound.filter(({ channels }) => channels === 3).length, 287)
    })
  )

  it.effect("finds a finished catalogue again, and draws anew for another configuration", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryFolder
      const folder = yield* drawn(parent)
      const mark = join(folder, "mark")
      writeFileSync(mark, "")
      utimesSync(join(folder, "styles.csv"), 1, 1)
      assert.strictEqual(yield* drawn(parent), folder)
      assert.strictEqual(statSync(join(folder, "styles.csv")).mtimeMs, 1000)
      assert.notStrictEqual(yield* drawn(parent, { ...config, seed: 6 }), folder)
      assert.strictEqual(readdirSync(parent).length, 2)
    })
  )

  it.effect("lets two draw at the same time: one folder, complete, nothing left beside it", () =>
    Effect.gen(function* () {
      const parent = yield* temporaryFolder
      const both = yield* Effect.all([drawn(parent), drawn(parent)], { concurrency: 2 })
      assert.strictEqual(both[0], both[1])
      assert.strictEqual(readdirSync(parent).length, 1)
      assert.strictEqual(images(both[0]).length, 297)
    })
  )

  it.effect("says where it could not draw", () =>
    Effect.gen(function* () {
      const parent = join(yield* temporaryFolder, "file")
      writeFileSync(parent, "in the way")
      const error = yield* Effect.flip(drawn(parent))
      assert.strictEqual(error._tag, "SampleCatalogueError")
      assert.isTrue(error.folder.startsWith(parent))
      assert.deepStrictEqual(readFileSync(parent, "utf8"), "in the way")
    })
  )
})
