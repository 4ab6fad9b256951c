import { version_wasm } from "@tensorflow/tfjs-backend-wasm"
import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer } from "effect"
import { Engine } from "../../../model/Engine.ts"
import type { Device } from "../tfjs/Device.ts"
import { fusedWith } from "../tfjs/fusedAt.ts"
import { preflight } from "../tfjs/preflight.ts"
import { open } from "../tfjs/session.ts"
import { SharedBackend } from "../tfjs/SharedBackend.ts"
import { registerKernels } from "./kernels.ts"
import { Machine } from "./Machine.ts"
import { backendName, openBackend, OutOfMemory } from "./openBackend.ts"
import { operatorsOf } from "./operators.ts"
import { processorThreads } from "../../machine/processorThreads.ts"

const engine = "wasm"
const cure = "Use Node 22.19 or later on a 64-bit machine, and install the packages again."

/** More gain little on images of a catalogue's size. */
const mostThreads = 8

const machines = new SharedBackend({
  engine,
  technology: "WebAssembly",
  cure,
  open: async (threads: number) => {
    const machine = new Machine(await openBackend(), threads)
    registerKernels(machine)
    await tf.setBackend(backendName)
    return machine
  },
  close: (machine) => machine.close()
})

const make = Effect.fnUntraced(function* (threads: number) {
  const machine = yield* machines.use(threads)
  const { threads: count } = machine.crew
  const operators = operatorsOf(machine)
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
      device: `CPU, WebAssembly with SIMD, ${count} ${count === 1 ? "thread" : "threads"}`,
      versions: {
        "@tensorflow/tfjs-core": tf.version_core,
        "@tensorflow/tfjs-backend-wasm": version_wasm,
        node: process.versions.node
      }
    },
    preflight: (network) => preflight(device, network, cure),
    open: (options) => Effect.andThen(machines.keep, open(device, options))
  })
})

/**
 * The wasm engine with a number of threads; the bits of what it computes do not depend on it. Engines that are open at
 * the same time in a process share the first one's threads.
 */
export const layerWith = (threads: number) => Layer.effect(Engine, make(threads))

/** Trains on the processor through WebAssembly: nothing but npm packages, and no file outside them. */
export const layer = layerWith(Math.min(mostThreads, processorThreads()))
