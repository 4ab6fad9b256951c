import tensorFlow from "@tensorflow/tfjs-backend-webgpu/package.json" with { type: "json" }
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer } from "effect"
import dawn from "webgpu/package.json" with { type: "json" }
import { Engine, EngineUnavailable } from "../../../model/Engine.ts"
import type { EngineConfig } from "../../../model/EngineConfig.ts"
import { defaultEngine } from "../../../model/EngineConfig.ts"
import type { Device } from "../tfjs/Device.ts"
import { fusedWith } from "../tfjs/fusedAt.ts"
import { preflight } from "../tfjs/preflight.ts"
import { open } from "../tfjs/session.ts"
import { SharedBackend } from "../tfjs/SharedBackend.ts"
import { describe, limitsOf } from "./Adapter.ts"
import type { Kind } from "./dawn.ts"
import { OutOfMemory } from "./Faults.ts"
import { Graphics } from "./Graphics.ts"
import { backendName } from "./kernels.ts"
import { operatorsOf } from "./operators.ts"
import { cure, probeAdapter } from "./probeAdapter.ts"

const engine = "webgpu"

const devices = new SharedBackend({
  engine,
  technology: "WebGPU",
  cure,
  open: (kind: Kind) => Graphics.open(kind),
  close: (graphics) => graphics.close(),
  refusal: (open, wanted) => (open === wanted ? undefined : `this process has opened it for engine.device "${open}"`)
})

const make = Effect.fnUntraced(function* (wanted: EngineConfig["device"]) {
  if (wanted.startsWith("gpu:"))
    return yield* new EngineUnavailable({
      engine,
      reason: `WebGPU has no numbers for graphics cards, and engine.device is "${wanted}"`,
      cure: `Set engine.device to "gpu": it takes the fastest card.`
    })
  const kind = wanted === "cpu" ? "cpu" : "gpu"
  const adapter = yield* probeAdapter(kind)
  const { backend } = yield* devices.use(kind)
  const operators = operatorsOf(backend)
  const device: Device = {
    engine,
    backend: backendName,
    fusedAt: fusedWith(operators),
    operators,
    isOutOfMemory: (cause) => cause instanceof OutOfMemory
  }
  return Engine.of({
    info: {
      name: engine,
      device: describe(adapter),
      versions: {
        "@tensorflow/tfjs-core": tf.version_core,
        "@tensorflow/tfjs-backend-webgpu": tensorFlow.version,
        webgpu: dawn.version,
        node: process.versions.node
      },
      limits: limitsOf(adapter)
    },
    preflight: (network) => preflight(device, network, cure),
    open: (options) => Effect.andThen(devices.keep, open(device, options))
  })
})

/** The webgpu engine on a configured device: "cpu" is an adapter in software, and taken only where it is asked for. */
export const layerWith = ({ device }: Pick<EngineConfig, "device">) => Layer.effect(Engine, make(device))

/** Trains on a graphics card of any maker, through Vulkan, Metal or Direct3D 12; its driver is all that it needs. */
export const layer = layerWith(defaultEngine)
