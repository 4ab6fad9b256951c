import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { ContentStore } from "../../../src/layers/storage/ContentStore.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { entryOf, keyOf, spaceOf } from "./storeEntries.ts"

const much = 2 ** 30
/** Bytes of a record before its own. */
const head = 48

/** A store as a process of that name has it. */
const storeIn = (root: string, { letter = "a", most = much, owner = "one" } = {}) => {
  const store = new ContentStore({ root, space: spaceOf(letter), most, owner })
  store.refresh()
  return store
}

/** Each entry as it was written, or undefined. */
const assertHas = (store: ContentStore, there: ReadonlyArray<readonly [number, boolean]>) => {
  for (const [n, isThere] of there) {
    const { bytes, note } = entryOf(n)
    assert.deepStrictEqual(store.take(keyOf(n)), isThere ? { bytes, note } : undefined, `entry ${n}`)
  }
}

const put = (store: ContentStore, from: number, to: number) => {
  for (let n = from; n < to; n++) store.put([entryOf(n)])
}

const packsIn = (root: string, letter = "a") =>
  readdirSync(join(root, spaceOf(letter))).map((name) => join(root, spaceOf(letter), name))

/** The only pack of a space. */
const packOf = (root: string) => {
  const [pack = "", ...others] = packsIn(root)
  assert.deepStrictEqual(others, [])
  return pack
}

const bytesIn = (root: string) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => statSync(join(root, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0)

/** As if the packs had last been used long ago, one after the other. */
const age = (packs: ReadonlyArray<string>) => {
  for (const [i, path] of packs.entries()) utimesSync(path, 1000 + i, 1000 + i)
}

/** A process that writes entries until it is killed, or `count` of them, and prints the number of each. */
const writer = (root: string, first: number, count: number, most = much) =>
  spawn(
    process.execPath,
    [join(import.meta.dirname, "storeWriter.ts"), root, String(first), String(count), String(most)],
    { stdio: ["ignore", "pipe", "inherit"] }
  )

describe("the store of what was computed", () => {
  it.effect("gives another what one has put there, while that goes on", () =>
    Effect.gen(function* () {
      const root = join(yield* temporaryFolder, "b", "c")
      const [first, second] = [storeIn(root), storeIn(root)]
      for (let n = 0; n < 9; n++) {
        const { bytes, key, note } = entryOf(n, n * 5)
        first.put([entryOf(n, n * 5)])
        assert.isFalse(second.has(key))
        assert.isUndefined(second.take(key))
        second.refresh()
        assert.isTrue(second.has(key))
        assert.deepStrictEqual(second.take(key), { bytes, note })
        assert.deepStrictEqual(first.take(key), { bytes, note })
      }
      first.close()
      second.close()
    })
  )

  it.effect("keeps many at once, of any length, and the first of a key", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = storeIn(root, { most: 200_000 })
      // More than it writes at once.
      const lengths = Array.from({ length: 40 }, (_, n) => 1 + ((n * 977) % 3000))
      store.put(lengths.map((length, n) => entryOf(n, length)))
      store.put([{ ...entryOf(3), bytes: Uint8Array.of(1) }])
      const again = storeIn(root)
      for (const [n, length] of lengths.entries()) {
        const { bytes, note } = entryOf(n, length)
        assert.deepStrictEqual(again.take(keyOf(n)), { bytes, note })
      }
    })
  )

  it.effect("keeps spaces apart, also where a pack was moved from one to another", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      put(storeIn(root), 0, 3)
      assertHas(storeIn(root, { letter: "b" }), [[1, false]])
      mkdirSync(join(root, spaceOf("b")))
      writeFileSync(join(root, spaceOf("b"), "moved.pack"), readFileSync(packOf(root)))
      assertHas(storeIn(root, { letter: "b" }), [[1, false]])
      assertHas(storeIn(root), [[1, true]])
    })
  )

  it.effect("gives nothing wrong where any byte was changed, and all that is before it", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = storeIn(root)
      put(store, 0, 3)
      const pack = packOf(root)
      const whole = readFileSync(pack)
      const record = whole.length / 3
      for (let at = 0; at < whole.length; at++) {
        const bytes = Buffer.from(whole)
        bytes[at]! ^= 1 << (at % 8) // within the file
        writeFileSync(pack, bytes)
        const again = storeIn(root)
        const [changed, inHead] = [Math.floor(at / record), at % record < head]
        // What is behind a damaged head cannot be found.
        assertHas(
          again,
          [0, 1, 2].map((n) => [n, n < changed || (n > changed && !inHead)])
        )
        again.close()
      }
    })
  )

  it.effect("notices a byte that changes later, and keeps anew what was lost", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      put(storeIn(root), 0, 4)
      const store = storeIn(root)
      assertHas(store, [[2, true]])
      const bytes = readFileSync(packOf(root))
      bytes[(bytes.length / 4) * 2 + 60]! ^= 4 // within the third record
      writeFileSync(packOf(root), bytes)
      assertHas(store, [
        [1, true],
        [2, false],
        [3, true]
      ])
      store.put([entryOf(2)])
      assertHas(store, [[2, true]])
      assertHas(storeIn(root), [[2, true]])
    })
  )

  it.effect("has all that is whole of a pack that was cut anywhere", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      put(storeIn(root), 0, 4)
      const pack = packOf(root)
      const { size } = statSync(pack)
      for (let length = size - 1; length >= 0; length -= 7) {
        truncateSync(pack, length)
        const store = storeIn(root)
        assertHas(
          store,
          [0, 1, 2, 3].map((n) => [n, (n + 1) * (size / 4) <= length])
        )
        store.close()
      }
    })
  )

  it.effect("waits for the rest of a record that is being written", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      put(storeIn(root), 0, 2)
      const pack = packOf(root)
      const whole = readFileSync(pack)
      writeFileSync(pack, whole.subarray(0, whole.length - 50))
      const store = storeIn(root)
      assert.isFalse(store.has(keyOf(1)))
      writeFileSync(pack, whole)
      store.refresh()
      assertHas(store, [
        [0, true],
        [1, true]
      ])
    })
  )

  it.effect("stays within its bound, removes what others left, and keeps what it uses and what it wrote", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const most = 64_000
      put(storeIn(root, { most, owner: "before" }), 0, 400)
      assert.isAbove(bytesIn(root), 0.8 * most)
      assert.isAbove(packsIn(root).length, 3)
      const store = storeIn(root, { most })
      assertHas(store, [[1, true]])
      for (let n = 1000; n < 3000; n++) {
        store.put([entryOf(n)])
        if (n % 100 === 0) assert.isAtMost(bytesIn(root), most + most / 16)
      }
      assertHas(storeIn(root), [
        [1, true],
        [1000, true],
        [2999, false]
      ])
      assert.isAbove(bytesIn(root), 0.8 * most)
      // Another thread of the same process leaves what this one wrote alone too.
      put(storeIn(root, { most }), 5000, 6000)
      assertHas(storeIn(root), [[1000, true]])
    })
  )

  it.effect("removes first what was not used for the longest time, of any space, and what earlier versions wrote", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const most = 64_000
      writeFileSync(join(root, "1.pixels"), new Uint8Array(9000))
      mkdirSync(join(root, spaceOf("f")))
      writeFileSync(join(root, spaceOf("f"), "1.features"), new Uint8Array(9000))
      writeFileSync(join(root, "of-someone-else.txt"), new Uint8Array(9000))
      put(storeIn(root, { most, owner: "before" }), 0, 150)
      put(storeIn(root, { most, owner: "before", letter: "b" }), 0, 100)
      age([...packsIn(root), ...packsIn(root, "b")])
      const [oldest = ""] = packsIn(root)
      // A process that reads it notes that for all others.
      const reader = storeIn(root, { owner: "reader" })
      assert.isAbove(
        Array.from({ length: 150 }, (_, n) => reader.take(keyOf(n))).filter((found) => found !== undefined).length,
        0
      )
      age(packsIn(root).slice(1))
      put(storeIn(root, { most, letter: "c" }), 0, 250)
      assert.isTrue(existsSync(oldest))
      assert.isBelow(packsIn(root).length, 3)
      assert.isFalse(existsSync(join(root, "1.pixels")))
      assert.isFalse(existsSync(join(root, spaceOf("f"))))
      assert.isTrue(existsSync(join(root, "of-someone-else.txt")))
    })
  )

  it.effect("misses what another removed once it has looked, and keeps it anew", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const store = storeIn(root)
      put(store, 0, 5)
      put(storeIn(root, { most: 64, owner: "other", letter: "b" }), 0, 1)
      assert.isFalse(existsSync(join(root, spaceOf("a"))))
      store.refresh()
      assertHas(store, [[1, false]])
      put(store, 0, 5)
      assertHas(storeIn(root), [[1, true]])
    })
  )

  it.effect("serves several processes at once, one of which is killed", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const reader = storeIn(root)
      const ends = [0, 300].map((first) => once(writer(root, first, 400), "close")) // they overlap by 100
      const third = writer(root, 10_000, 1e9)
      let printed = ""
      yield* Effect.callback<void>((resume) => {
        third.stdout.on("data", (text: Buffer) => {
          printed += text.toString()
          if (!printed.includes("10050\n")) return
          third.kill("SIGKILL")
          resume(Effect.void)
        })
      })
      yield* Effect.promise(() => once(third, "close"))
      for (const [code] of yield* Effect.promise(() => Promise.all(ends))) assert.strictEqual(code, 0)
      reader.refresh()
      const done = Number(printed.split("\n").at(-2))
      assert.isAtLeast(done, 10_050)
      for (let n = 0; n < 700; n++) assertHas(reader, [[n, true]])
      for (let n = 10_000; n <= done; n++) assertHas(reader, [[n, true]])
    })
  )

  it.effect("says what the system says where its folder cannot be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "file"), "")
      const store = new ContentStore({ root: join(folder, "file"), space: spaceOf("a"), most: much, owner: "one" })
      assert.throws(() => store.put([entryOf(1)]), /ENOTDIR/)
      assertHas(store, [[1, false]])
    })
  )
})
