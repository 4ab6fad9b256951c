import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { PixelStore } from "../../../../src/layers/images/feed/PixelStore.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import type { Pixels } from "../../../../src/pipeline/Pixels.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"
import { keyOf, spaceOf } from "../../storage/storeEntries.ts"

const pixelsOf = (n: number): Pixels => {
  const [height, width, { below }] = [4 + n, 7, draw("pixels", n)]
  return { height, width, data: Uint8Array.from({ length: height * width * 3 }, () => below(256)) }
}
const storeIn = (root: string) => {
  const store = new PixelStore({ root, space: spaceOf("a"), most: 2 ** 30, owner: "one" })
  store.refresh()
  return store
}

describe("the store of decoded images", () => {
  it.effect("gives images back as they were, to another too", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const store = storeIn(folder)
      for (let n = 0; n < 5; n++) store.put(keyOf(n), pixelsOf(n))
      for (const one of [store, storeIn(folder)]) {
        for (let n = 0; n < 5; n++) assert.deepStrictEqual(one.take(keyOf(n)), pixelsOf(n))
        assert.isUndefined(one.take(keyOf(5)))
      }
    })
  )

  it.effect("does nothing where its folder cannot be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      writeFileSync(join(folder, "file"), "")
      const store = storeIn(join(folder, "file", "store"))
      store.put(keyOf(1), pixelsOf(1))
      assert.isUndefined(store.take(keyOf(1)))
      store.close()
    })
  )
})
