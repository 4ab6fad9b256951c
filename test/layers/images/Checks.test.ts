import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { appendFileSync, linkSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import sharp from "sharp"
import * as Checks from "../../../src/layers/images/Checks.ts"
import * as DiskImageBytes from "../../../src/layers/images/DiskImageBytes.ts"
import * as SharpImages from "../../../src/layers/images/SharpImages.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const config = Schema.decodeSync(ImageConfig)({ height: 48, width: 32 })

/** A photo that no other one looks like. */
const photo = (path: string, red: number, size = { width: 30, height: 20 }) =>
  sharp({ create: { ...size, channels: 3, background: { r: red, g: 90, b: 10 } } })
    .jpeg()
    .toFile(path)

/** A process: its images, with the paths that were read. */
const opened = Effect.fnUntraced(function* (folder: string, least = 1) {
  const read: Array<string> = []
  const bytes = yield* ImageBytes
  const counting = Layer.succeed(ImageBytes, {
    ...bytes,
    read: (path, most, within) => {
      read.push(path)
      return bytes.read(path, most, within)
    }
  })
  const context = yield* Layer.build(
    SharpImages.layerFromBytes.pipe(
      Layer.provide([counting, Checks.layerWith({ folder: join(folder, "cache"), least, most: 1000 })])
    )
  )
  return { read, images: yield* Images.pipe(Effect.provide(context)) }
})

const process_ = <A, E>(
  folder: string,
  use: (opened: { readonly read: Array<string>; readonly images: Images["Service"] }) => Effect.Effect<A, E>,
  least = 1
) => Effect.scoped(Effect.flatMap(opened(folder, least), use))

/** Later than any file here was written. */
const later = TestClock.setTime(Date.parse("2100-01-01T00:00:00Z"))

describe("checks of images", () => {
  it.effect("are not done again by another process, of the same file or of one with the same bytes", () =>
    Effect.gen(function* () {
      yield* later
      const folder = yield* temporaryFolder
      const [a, b, link] = [join(folder, "a.jpg"), join(folder, "b.jpg"), join(folder, "link.jpg")]
      yield* Effect.promise(() => photo(a, 10))
      yield* Effect.promise(() => photo(b, 200, { width: 64, height: 9 }))
      const first = yield* process_(folder, ({ images }) =>
        Effect.all([images.check(a, config, { within: [folder] }), images.check(b, config)])
      )
      assert.deepStrictEqual([first[0].height, first[1].width, first[0].format], [20, 64, "jpeg"])
      yield* process_(folder, ({ images, read }) =>
        Effect.gen(function* () {
          const again = yield* Effect.all([images.check(a, config, { within: [folder] }), images.check(b, config)])
          assert.deepStrictEqual(again, first)
          assert.deepStrictEqual(read, [])
        })
      )
      linkSync(a, link) // which changes the inode's time: its bytes are read, and known
      yield* process_(folder, ({ images, read }) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* images.check(link, config), first[0])
          assert.deepStrictEqual(read, [link])
        })
      )
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )

  it.effect("are done again of a file that was written since, of the same length too", () =>
    Effect.gen(function* () {
      yield* later
      const folder = yield* temporaryFolder
      const path = join(folder, "a.jpg")
      yield* Effect.promise(() => photo(path, 10))
      const { mtime, size } = statSync(path)
      const first = yield* process_(folder, ({ images }) => images.check(path, config))
      writeFileSync(path, Buffer.alloc(size, 7))
      utimesSync(path, mtime, mtime) // as a program does that keeps a file's time
      const second = yield* process_(folder, ({ images }) => Effect.flip(images.check(path, config)))
      assert.strictEqual(second.reason, "notAnImage")
      assert.strictEqual(first.height, 20)
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )

  it.effect("do not count for a file that was written a moment before", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const path = join(folder, "a.jpg")
      yield* Effect.promise(() => photo(path, 10))
      yield* TestClock.setTime(statSync(path).mtimeMs + 1000)
      yield* process_(folder, ({ images }) => images.check(path, config))
      yield* process_(folder, ({ images, read }) =>
        Effect.map(images.check(path, config), () => assert.deepStrictEqual(read, [path]))
      )
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )

  it.effect("are no way around the limits and the folders of another configuration", () =>
    Effect.gen(function* () {
      yield* later
      const folder = yield* temporaryFolder
      const path = join(folder, "a.jpg")
      yield* Effect.promise(() => photo(path, 10))
      yield* process_(folder, ({ images }) => images.check(path, config))
      yield* process_(folder, ({ images }) =>
        Effect.gen(function* () {
          const reasons = yield* Effect.forEach(
            [
              images.check(path, { ...config, maxPixels: 599 }),
              images.check(path, { ...config, maxBytes: 100 }),
              images.check(path, config, { within: [join(folder, "cache")] }),
              images.check(path, config, { digest: "0".repeat(64) })
            ],
            (check) => Effect.map(Effect.flip(check), ({ reason }) => reason)
          )
          assert.deepStrictEqual(reasons, ["imageTooLarge", "imageTooLarge", "imageOutside", "imageChanged"])
        })
      )
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )

  it.effect("that a killed process left torn, or another wrote behind it, cost no more than these", () =>
    Effect.gen(function* () {
      yield* later
      const folder = yield* temporaryFolder
      const paths = [1, 2, 3].map((i) => join(folder, `${i}.jpg`))
      for (const [i, path] of paths.entries()) yield* Effect.promise(() => photo(path, 60 * i))
      const [one = "", two = "", three = ""] = paths
      const check = (some: ReadonlyArray<string>) =>
        process_(folder, ({ images, read }) =>
          Effect.as(
            Effect.forEach(some, (path) => images.check(path, config)),
            read
          )
        )
      yield* check([one, two])
      const file = join(folder, "cache", readdirSync(join(folder, "cache"))[0] ?? "")
      truncateSync(file, statSync(file).size - 5)
      yield* check([three])
      assert.deepStrictEqual(yield* check(paths), [two])
      appendFileSync(file, "no record")
      assert.deepStrictEqual(yield* check(paths), [])
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )

  it.effect("leave no file where there were few", () =>
    Effect.gen(function* () {
      yield* later
      const folder = yield* temporaryFolder
      const path = join(folder, "a.jpg")
      yield* Effect.promise(() => photo(path, 10))
      yield* process_(folder, ({ images }) => images.check(path, config), 2)
      assert.notInclude(readdirSync(folder), "cache")
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )
})
