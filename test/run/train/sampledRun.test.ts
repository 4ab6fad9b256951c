import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Rows } from "../../../src/pipeline/Rows.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { interruptedAt, tinyConfig, tinyLayers } from "./tinyRun.ts"

/** Seven caps and three scarves. */
const uneven = Rows.layerMemory(
  new Map([
    [
      "shop/styles.csv",
      [
        ["id", "label"],
        ...Array.from({ length: 7 }, (_, i) => [`cap${i}`, "cap"]),
        ...Array.from({ length: 3 }, (_, i) => [`scarf${i}`, "scarf"])
      ]
    ]
  ])
)

const config = (sampling?: object | string) =>
  tinyConfig({
    train: { epochs: 3, batchSize: 2, select: "last", ...(sampling !== undefined && { sampling }) },
    augment: { flip: 0.5, noise: 0.1 }
  })

const model = RunFolder.use((folder) =>
  Effect.map(folder.read("model/model.safetensors"), (bytes) => Buffer.from(bytes).toString("hex"))
)

const trained = (sampling?: object | string) =>
  Effect.gen(function* () {
    const report = yield* trainRun(yield* config(sampling))
    return { report, model: yield* model }
  }).pipe(Effect.provide(Layer.merge(tinyLayers(), uneven)))

describe("a run with balanced sampling", { timeout: 60_000 }, () => {
  it.effect("stopped after any step and resumed, gives the same bits", () =>
    Effect.gen(function* () {
      const alone = yield* trained("balanced")
      for (const at of [
        { epoch: 1, step: 2 },
        { epoch: 2, step: 1 },
        { epoch: 2, step: 3 }
      ]) {
        const resumed = yield* Effect.gen(function* () {
          yield* interruptedAt(yield* config("balanced"), at)
          yield* trainRun(yield* config("balanced"))
          return yield* model
        }).pipe(Effect.provide(Layer.merge(tinyLayers(), uneven)))
        assert.strictEqual(resumed, alone.model)
      }
    })
  )

  it.effect("has as many steps as one without, and other weights", () =>
    Effect.gen(function* () {
      const count = (sampling?: string) => {
        let steps = 0
        return trained(sampling).pipe(
          Effect.provideService(Progress, (event: ProgressEvent) =>
            Effect.sync(() => {
              if (event._tag === "Step") steps++
            })
          ),
          Effect.map(({ model }) => ({ model, steps }))
        )
      }
      const [plain, shuffled, balanced] = [yield* count(), yield* count("shuffle"), yield* count("balanced")]
      assert.strictEqual(balanced.steps, plain.steps)
      assert.strictEqual(shuffled.steps, plain.steps)
      assert.notStrictEqual(balanced.model, plain.model)
    })
  )
})
