import { assert, describe, it } from "@effect/vitest"
import { enginesText, enginesUsed } from "../../src/metrics/enginesUsed.ts"
import type { EpochRecord, RanOn } from "../../src/metrics/Report.ts"

const wasm: RanOn = { engine: "wasm", device: "CPU, 2 threads", features: "onnxruntime 1" }
const tensorflow: RanOn = { engine: "tensorflow", device: "GPU" }

const epochs = (...all: ReadonlyArray<ReadonlyArray<RanOn> | undefined>) =>
  all.map((ranOn, i): EpochRecord => ({
    epoch: i + 1,
    trainLoss: 1,
    trainAccuracy: 0,
    validationLoss: null,
    validationAccuracy: null,
    learningRate: 1,
    imagesPerSecond: 1,
    seconds: 1,
    ...(ranOn && { ranOn })
  }))

describe("what a run's epochs ran on", () => {
  it("is one span where the run stayed with it, and no sentence", () => {
    const history = epochs([wasm], [{ ...wasm }], [wasm])
    assert.deepStrictEqual(enginesUsed(history), [{ from: 1, to: 3, ranOn: [wasm] }])
    assert.isUndefined(enginesText(history))
    assert.deepStrictEqual(enginesUsed(epochs(undefined, undefined)), [])
  })

  it("is reported by epochs where the run was resumed on another engine, also within an epoch", () => {
    assert.strictEqual(
      enginesText(epochs([wasm], [wasm], [wasm, tensorflow], [tensorflow], [tensorflow])),
      "The run was resumed on another engine than it began on: " +
        "epochs 1 to 2 on wasm (CPU, 2 threads), frozen part by onnxruntime 1; " +
        "epoch 3 on wasm (CPU, 2 threads), frozen part by onnxruntime 1, then tensorflow (GPU); " +
        "epochs 4 to 5 on tensorflow (GPU)."
    )
  })
})
