import { Effect, Layer } from "effect"
import { composed } from "../../../../src/layers/engines/tfjs/composed.ts"
import type { Device } from "../../../../src/layers/engines/tfjs/Device.ts"
import { preflight } from "../../../../src/layers/engines/tfjs/preflight.ts"
import { open } from "../../../../src/layers/engines/tfjs/session.ts"
import { layer as wasm } from "../../../../src/layers/engines/wasm/WasmEngine.ts"
import { OutOfMemory } from "../../../../src/layers/engines/wasm/openBackend.ts"
import { Engine } from "../../../../src/model/Engine.ts"
import { engineContract } from "../../../model/engineContract.ts"

/** What a backend without operators of its own would do; on wasm, as the plain one takes minutes. */
const device: Device = {
  engine: "composed",
  backend: "wasm",
  operators: composed,
  isOutOfMemory: (cause) => cause instanceof OutOfMemory
}

const layer = Layer.effect(
  Engine,
  Effect.map(Engine, ({ info }) => ({
    info,
    preflight: (network) => preflight(device, network, "Mend it."),
    open: (options) => open(device, options)
  }))
).pipe(Layer.provide(wasm))

engineContract("composed", layer)
