import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Crew } from "../../../../src/layers/engines/wasm/Crew.ts"
import { openBackend, OutOfMemory } from "../../../../src/layers/engines/wasm/openBackend.ts"
import { total } from "../../../../src/layers/engines/wasm/channelTasks.ts"
import { layerWith } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { simpleCnn } from "../../../../src/model/networks/simpleCnn.ts"
import { assertSameBits, openSession, referenceBatch, sgd } from "../../../model/engineContract/reference.ts"

describe("the wasm machine", () => {
  it.effect("computes the same bits with 1, 2 and 5 threads, and on every run", () =>
    Effect.gen(function* () {
      const network = simpleCnn.build({ height: 48, width: 53, classes: 11 })
      const state = Effect.fnUntraced(function* () {
        const session = yield* openSession(network, { optimizer: { ...sgd, kind: "adam" }, clipNorm: 0.5 })
        for (let step = 0; step < 2; step++)
          yield* session.train(referenceBatch(network, `threads ${step} `, 9), { step, learningRate: 0.01 })
        return yield* session.snapshot
      }, Effect.scoped)
      const expected = yield* state().pipe(Effect.provide(layerWith(1)))
      for (const threads of [1, 2, 5]) assertSameBits(yield* state().pipe(Effect.provide(layerWith(threads))), expected)
    })
  )

  it("does all pieces once, however many threads and pieces there are", () => {
    const memory = new WebAssembly.Memory({ initial: 4, maximum: 65536, shared: true })
    const crew = new Crew(memory, 3)
    const floats = new Float32Array(memory.buffer)
    for (let round = 1; round < 300; round++) {
      const rows = (round * 7) % 190
      if (rows === 0) continue
      floats.fill(1, 0, 1024)
      crew.run(total, { x: 0, sums: 8192, rows, rowsAtOnce: 1, channels: 3 }, rows)
      for (let i = 0; i < rows * 3; i++) assert.strictEqual(floats[2048 + i], 1)
      floats.fill(0, 2048, 2048 + rows * 3)
    }
    crew.close()
  })

  it("fails where a piece fails", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
    const crew = new Crew(memory, 2)
    const past = 2 ** 31 - 4
    const args = { x: past, sums: 0, rows: 4, rowsAtOnce: 1, channels: 3 }
    const log = console.error
    console.error = () => {}
    assert.throws(() => crew.run(total, args, 4), /a thread failed/)
    console.error = log
    crew.run(total, { ...args, x: 0, sums: 1024 }, 4)
    crew.close()
  })

  it("leaves the process as it was, and says so when its memory is full", async () => {
    const listeners = process.listeners("uncaughtException").length
    const worker = Object.getOwnPropertyDescriptor(globalThis, "Worker")
    const { free, malloc } = await openBackend()
    assert.strictEqual(process.listeners("uncaughtException").length, listeners)
    assert.deepStrictEqual(Object.getOwnPropertyDescriptor(globalThis, "Worker"), worker)
    assert.throws(() => malloc(5e9), OutOfMemory)
    const half = malloc(2.2e9)
    assert.throws(() => malloc(2.2e9), OutOfMemory)
    free(half)
  })
})
