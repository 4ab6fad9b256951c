import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { intoBackend, outOfBackend } from "../../../../src/layers/engines/tfjs/layout.ts"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { sizeOf } from "../../../../src/model/Tensor.ts"

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))

layer(wasm)("layouts", (it) => {
  it.effect("turns OIHW into HWIO, and OUT x IN into IN x OUT", () =>
    Effect.sync(() => {
      const filter = intoBackend({ shape: [2, 3, 1, 2], data: Float32Array.from({ length: 12 }, (_, i) => i) })
      assert.deepStrictEqual(filter.shape, [1, 2, 3, 2])
      assert.deepStrictEqual([...filter.dataSync()], [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11])
      const matrix = intoBackend({ shape: [2, 3], data: Float32Array.of(0, 1, 2, 3, 4, 5) })
      assert.deepStrictEqual([...matrix.dataSync()], [0, 3, 1, 4, 2, 5])
    })
  )

  it.effect.prop("gives back the bits that it was given", [Schema.Array(Length)], ([lengths]) =>
    Effect.sync(() => {
      const shape = [lengths[0] ?? 2, ...(lengths.length > 1 ? [lengths[1]!] : []), ...lengths.slice(2, 4)]
      const data = new Float32Array(sizeOf(shape)).map((_, i) => Math.fround(Math.sin(i) / 3))
      const tensor = intoBackend({ shape, data })
      assert.deepStrictEqual(outOfBackend(tensor.dataSync<"float32">(), shape), { shape, data })
      tensor.dispose()
    })
  )
})
