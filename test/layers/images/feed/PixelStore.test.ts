import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import { pixelsKeyOf, PixelStore } from "../../../../src/layers/images/feed/PixelStore.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import type { Pixels } from "../../../../src/pipeline/Pixels.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const much = 2 ** 30
const pixelsOf = (n: number, height = 5, width = 7): Pixels => {
  const { below } = draw("store", n)
  return { height, width, data: Uint8Array.from({ length: height * width * 3 }, () => below(256)) }
}
const keyOf = (n: number) => pixelsKeyOf(Buffer.from(`file ${n}`), "80x60")
const refreshed = (folder: string, most = much) => {
  const store = new PixelStore(folder, most)
  store.refresh()
  return store
}
const packs = (folder: string) => readdirSync(folder).map((name) => join(folder, name))
const bytesIn = (folder: string) => packs(folder).reduce((sum, path) => sum + statSync(path).size, 0)

/** Writes images until it is killed, or `count` of them. */
const writer = (folder: string, count: number, most = much) =>
  spawn(process.execPath, [join(import.meta.dirname, "storeWriter.ts"), folder, String(count), String(most)], {
    stdio: ["ignore", "pipe", "inherit"]
  })

describe("the store of decoded images", () => {
  it.effect("gives another what one has put there, while that goes on", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [first, second] = [
        new PixelStore(join(folder, "a", "b"), much),
        new PixelStore(join(folder, "a", "b"), much)
      ]
      for (let n = 0; n < 9; n++) {
        first.put(keyOf(n), pixelsOf(n, 4 + n))
        assert.isUndefined(second.take(keyOf(n)))
        second.refresh()
        assert.deepStrictEqual(second.take(keyOf(n)), pixelsOf(n, 4 + n))
        assert.deepStrictEqual(first.take(keyOf(n)), pixelsOf(n, 4 + n))
      }
      first.close()
      second.close()
    })
  )

  it("tells images apart by their files' content and by what else their pixels depend on", () => {
    const keys = [
      ["ab", "c"],
      ["a", "bc"],
      ["ab", "d"]
    ].map(([bytes, on]) => pixelsKeyOf(Buffer.from(bytes!), on!))
    assert.strictEqual(new Set(keys).size, 3)
    assert.strictEqual(pixelsKeyOf(Buffer.from("ab"), "c"), keys[0])
  })

  it.effect("gives nothing of what was cut or changed, and all that is before it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const store = new PixelStore(folder, much)
      for (let n = 0; n < 6; n++) store.put(keyOf(n), pixelsOf(n))
      store.close()
      const [pack] = packs(folder)
      const size = statSync(pack!).size
      truncateSync(pack!, size - 1)
      const file = openSync(pack!, "r+")
      // A byte of the third image's pixels.
      const at = (size / 6) * 2 + 60
      writeSync(file, Uint8Array.of(readFileSync(pack!)[at]! ^ 1), 0, 1, at)
      closeSync(file)
      const again = refreshed(folder)
      const there = Array.from({ length: 6 }, (_, n) => again.take(keyOf(n)))
      assert.deepStrictEqual(
        there.map((pixels) => pixels !== undefined),
        [true, true, false, true, true, false]
      )
      assert.deepStrictEqual(there[3], pixelsOf(3))
      // What is gone is put there anew.
      again.put(keyOf(2), pixelsOf(2))
      assert.deepStrictEqual(refreshed(folder).take(keyOf(2)), pixelsOf(2))
    })
  )

  it.effect("stays within its bound, lets go what others left, and keeps what is of use", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const most = 64_000
      // Left by another process: images of a run before.
      yield* Effect.promise(() => new Promise((resolve) => writer(folder, 400, most).on("close", resolve)))
      assert.isAbove(bytesIn(folder), 0.8 * most)
      assert.isAbove(packs(folder).length, 3)
      const store = refreshed(folder, most)
      assert.isDefined(store.take(keyOf(1)))
      for (let n = 1000; n < 3000; n++) {
        store.put(keyOf(n), pixelsOf(n))
        if (n % 100 === 0) assert.isAtMost(bytesIn(folder), most + most / 16)
      }
      const again = refreshed(folder, most)
      assert.deepStrictEqual(again.take(keyOf(1)), pixelsOf(1))
      assert.isDefined(again.take(keyOf(1000)))
      assert.isUndefined(again.take(keyOf(2999)))
      assert.isAbove(bytesIn(folder), 0.8 * most)
    })
  )

  it.effect("serves several processes at once, one of which is killed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const ends = [0, 1].map(() => new Promise((resolve) => writer(folder, 400).on("close", resolve)))
      const third = writer(folder, 1e9)
      yield* Effect.promise(() => new Promise((resolve) => third.stdout.once("data", resolve)))
      third.kill("SIGKILL")
      yield* Effect.promise(() => Promise.all(ends))
      const store = refreshed(folder)
      for (let n = 0; n < 400; n++) assert.deepStrictEqual(store.take(keyOf(n)), pixelsOf(n), `image ${n}`)
    })
  )

  it.effect("does nothing where its folder cannot be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "file"), "")
      const store = refreshed(join(folder, "file", "store"))
      store.put(keyOf(1), pixelsOf(1))
      assert.isUndefined(store.take(keyOf(1)))
      store.close()
    })
  )
})
