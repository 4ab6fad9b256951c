import * as tf from "@tensorflow/tfjs-core"
import { Backend } from "./Backend.ts"
import type { Kind } from "./dawn.ts"
import { Faults } from "./Faults.ts"
import { backendName, registerKernels } from "./kernels.ts"

/** What TensorFlow.js's programs are written for; the rest is WebGPU's default. */
const limits = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup"
] as const

/** Defines what is not defined yet, and gives a way to take it back. */
const define = (target: object, values: Readonly<Record<string, unknown>>): (() => void) => {
  const names = Object.keys(values).filter((name) => !(name in target))
  for (const name of names) Object.defineProperty(target, name, { configurable: true, value: values[name] })
  return () => {
    for (const name of names) Reflect.deleteProperty(target, name)
  }
}

/** TensorFlow.js's backend on a device of Dawn's, until it is closed. */
export class Graphics {
  readonly #faults: Faults
  readonly #undefine: () => void
  readonly backend: Backend
  /** Dawn lives as long as this is held. */
  readonly gpu: GPU

  private constructor(gpu: GPU, backend: Backend, faults: Faults, undefine: () => void) {
    this.gpu = gpu
    this.backend = backend
    this.#faults = faults
    this.#undefine = undefine
  }

  /** Makes the backend on the fastest adapter of a kind. Rejects where there is none. */
  static async open(kind: Kind): Promise<Graphics> {
    const [{ globals }, { findBest }] = await Promise.all([import("webgpu"), import("./dawn.ts")])
    const { adapter, gpu } = await findBest(kind)
    if (adapter === null) throw new Error("Dawn found no adapter")
    const device = await adapter.requestDevice({
      requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]]))
    })
    const faults = new Faults(device)
    // The backend looks for WebGPU's classes and constants where a browser has them, as long as it works.
    const undefine = define(globalThis, { ...globals })
    const backend = Graphics.#inBrowser(gpu, () => new Backend(device, adapter.info, faults))
    if (tf.findBackendFactory(backendName) !== null) tf.removeBackend(backendName)
    tf.registerBackend(backendName, () => backend, 3)
    registerKernels()
    await tf.setBackend(backendName)
    return new Graphics(gpu, backend, faults, undefine)
  }

  /** The backend's constructor asks `navigator` whether there is WebGPU; Node's own has none, and Node 20 has none. */
  static #inBrowser<A>(gpu: GPU, make: () => A): A {
    const undefineNavigator = define(globalThis, { navigator: {} })
    const undefineGpu = define(globalThis.navigator, { gpu })
    try {
      return make()
    } finally {
      undefineGpu()
      undefineNavigator()
    }
  }

  /** Frees the backend and the device; Dawn would keep the process alive otherwise. */
  close(): void {
    this.#faults.close()
    tf.removeBackend(backendName)
    this.backend.device.destroy()
    this.#undefine()
  }
}
