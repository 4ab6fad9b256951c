import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Crew } from "../../../../src/layers/engines/wasm/Crew.ts"
import { openBackend, OutOfMemory } from "../../../../src/layers/engines/wasm/openBackend.ts"
import { channelSums } from "../../../../src/layers/engines/wasm/channelSums.ts"
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
    const sums = new Float64Array(memory.buffer, 8192, 200 * 3)
    for (let round = 1; round < 300; round++) {
      const rows = (round * 7) % 190
      if (rows === 0) continue
      floats.fill(1, 0, 1024)
      crew.run(channelSums, { x: 0, sums: sums.byteOffset, few: 16384, rows, rowsAtOnce: 1, channels: 3 }, rows)
      for (let i = 0; i < rows * 3; i++) assert.strictEqual(sums[i], 1)
      sums.fill(0)
    }
    crew.close()
  })

  it("adds up many rows without losing what each adds to a large sum", () => {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536, shared: true })
    const crew = new Crew(memory, 2)
    const [rows, channels] = [40_001, 5]
    const x = new Float32Array(memory.buffer, 0, rows * channels)
    for (let i = 0; i < x.length; i++) x[i] = 1000 + ((i * 7919) % 1000) / 1000
    const expected = Array.from({ length: channels }, (_, c) =>
      x.reduce((sum, value, i) => (i % channels === c ? sum + value : sum), 0)
    )
    const sums = new Float64Array(memory.buffer, 900_000, channels)
    crew.run(channelSums, { x: 0, sums: 900_000, few: 901_000, rows, rowsAtOnce: rows, channels }, 1)
    // Each of the sums of 32 rows is rounded to float32.
    for (const [c, sum] of sums.entries()) assert.approximately(sum, expected[c]!, expected[c]! * 1e-7)
    crew.close()
  })

  it("fails where a piece fails", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true })
    const crew = new Crew(memory, 2)
    const past = 2 ** 31 - 4
    const args = { x: past, sums: 0, few: 512, rows: 4, rowsAtOnce: 1, channels: 3 }
    const log = console.error
    console.error = () => {}
    assert.throws(() => crew.run(channelSums, args, 4), /a thread failed/)
    console.error = log
    crew.run(channelSums, { ...args, x: 0, sums: 1024 }, 4)
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
