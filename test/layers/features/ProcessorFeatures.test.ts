import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AmxFeatures from "../../../src/layers/features/amx/AmxFeatures.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { layer } from "../../../src/layers/features/ProcessorFeatures.ts"
import type { FeaturesName } from "../../../src/model/Features.ts"
import { Features } from "../../../src/model/Features.ts"
import { flat, frozenOf } from "../../model/featuresContract.ts"

const frozen = frozenOf(flat, [18, 13, 3])
const open = (by?: FeaturesName) => Features.use((features) => features.open(frozen, by))

/** With the environment's WEFT_BACKEND naming a folder in which nothing is installed. */
const withoutBackend = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.env["WEFT_BACKEND"]
      process.env["WEFT_BACKEND"] = "/nowhere"
      return before
    }),
    () => effect,
    (before) =>
      Effect.sync(() => {
        if (before === undefined) delete process.env["WEFT_BACKEND"]
        else process.env["WEFT_BACKEND"] = before
      })
  )

describe("ProcessorFeatures", () => {
  it.effect("takes onnxruntime where the matrix unit's addon is not installed", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* open()).engine, "onnxruntime")
      const error = yield* Effect.flip(open("amx"))
      assert.strictEqual(error.reason, "unavailable")
      assert.include(error.message, "npx pnpm backend:install")
    }).pipe(withoutBackend, Effect.scoped, Effect.provide(layer))
  )

  it.effect("takes the one that is asked for, and says what does not fit whichever it is", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* open("onnxruntime")).engine, "onnxruntime")
      const misfit = yield* Effect.flip(Features.use(({ open }) => open({ ...frozen, input: [1, 1, 3] })))
      assert.strictEqual(misfit.reason, "misfit")
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.effect("is not one engine under another's name", () =>
    Effect.gen(function* () {
      const onnx = yield* Effect.flip(open("amx").pipe(Effect.provide(OnnxFeatures.layer)))
      const amx = yield* Effect.flip(open("onnxruntime").pipe(Effect.provide(AmxFeatures.layer)))
      assert.deepStrictEqual([onnx.reason, onnx.engine], ["unavailable", "amx"])
      assert.deepStrictEqual([amx.reason, amx.engine], ["unavailable", "onnxruntime"])
    }).pipe(Effect.scoped)
  )
})
