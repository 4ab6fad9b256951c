import { layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { preflight } from "../../../../src/layers/engines/tfjs/preflight.ts"
import { open } from "../../../../src/layers/engines/tfjs/session.ts"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { Engine, LeakPolicy } from "../../../../src/model/Engine.ts"
import { agreesWithPyTorch } from "../../../model/engineContract/pyTorch.ts"
import { plainDevice } from "./plainDevice.ts"

const device = plainDevice("plain")

/** The blocks are the wasm engine's, which has the whole contract: of these tests, those that take an optimiser's steps. */
const engine = Layer.effect(
  Engine,
  Effect.map(Engine, ({ info }) => ({
    info,
    preflight: (network) => preflight(device, network, "Mend it."),
    open: (options) => open(device, options)
  }))
).pipe(Layer.provide(wasm), Layer.provideMerge(Layer.succeed(LeakPolicy, "fail")))

layer(engine)("an optimiser's step by TensorFlow.js's own operations", (it) => agreesWithPyTorch(it, true))
