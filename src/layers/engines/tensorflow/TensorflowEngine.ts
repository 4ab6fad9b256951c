import * as tf from "@tensorflow/tfjs-core"
import { Effect, Layer, References } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Engine, EngineUnavailable } from "../../../model/Engine.ts"
import type { EngineConfig } from "../../../model/EngineConfig.ts"
import { defaultEngine } from "../../../model/EngineConfig.ts"
import type { InstalledBackend } from "../../backend/BackendFolder.ts"
import { backendFolder, readInstalled } from "../../backend/BackendFolder.ts"
import { deviceConfig } from "./deviceConfig.ts"
import { gpuText, listGpus, whyNoGpu } from "./gpus.ts"
import type { OpenBackend } from "./openBackend.ts"
import { backendName, openBackend } from "./openBackend.ts"
import { kernelsName } from "./kernelsName.ts"
import { averageOf } from "./average.ts"
import { fusedWith } from "./fusedAt.ts"
import { updateOf } from "./update.ts"
import type { Device } from "../tfjs/Device.ts"
import { preflight } from "../tfjs/preflight.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { open } from "../tfjs/session.ts"
import { bringing, isInstalled } from "../../machine/optionalPackages.ts"
import { processorThreads } from "../../machine/processorThreads.ts"
import { weftCommand } from "../../../config/weftCommand.ts"

const engine = "tensorflow"
const kernels = "@tensorflow/tfjs-node-gpu"
/** After the package is installed in the working folder, it is the Weft there that installs the rest. */
const install = isInstalled(kernels)
  ? `Install it: ${weftCommand("backend-install")}`
  : `Install it: ${bringing([kernels])} && ${weftCommand("backend-install", "project")}`

type Settings = Pick<EngineConfig, "device" | "memoryGrowth" | "memoryLimit">

const unavailable = (reason: string, cure: string) => new EngineUnavailable({ engine, reason, cure })

/** TensorFlow is loaded once in a process, for the devices that were asked for first; it cannot be unloaded. */
let opened: OpenBackend | undefined

/** TensorFlow's word for memory that is full, with what its status number 8 means. */
export const isOutOfMemory = (cause: unknown): boolean =>
  /OOM when allocating|ran out of memory|RESOURCE_EXHAUSTED|TF_Status: 8\b/.test(messageOf(cause))

/** What is computed on, for people; fails where a GPU is asked for and TensorFlow sees none. */
const deviceText = Effect.fnUntraced(function* (usesGpu: boolean, device: string, backend: InstalledBackend) {
  const gpus = yield* listGpus
  if (usesGpu) {
    const index = /^gpu:(\d+)$/.exec(device)?.[1]
    const seen = index === undefined ? gpus : gpus.filter((gpu) => gpu.index === Number(index))
    return seen.length === 0 ? "GPU" : seen.map(gpuText).join("; ")
  }
  const { cure, reason } = whyNoGpu(backend, gpus)
  if (device.startsWith("gpu")) return yield* unavailable(`TensorFlow sees no GPU: ${reason}`, cure)
  const threads = Number(process.env["TF_NUM_INTRAOP_THREADS"] ?? processorThreads())
  const processor = `CPU, ${threads} ${threads === 1 ? "thread" : "threads"}`
  return device === "cpu" ? processor : `${processor}; no GPU: ${reason}`
})

const make = Effect.fnUntraced(function* (settings: Settings) {
  const installed = readInstalled(backendFolder())
  if (installed === undefined) return yield* unavailable("TensorFlow's libraries are not installed", install)
  if (!isInstalled(kernels)) return yield* unavailable(`the package ${kernels} is not installed`, install)
  const { backend, folder } = installed
  if (!existsSync(join(folder, kernelsName())))
    return yield* unavailable(
      "its addons were compiled for another version of Weft",
      `Install it again, which fetches nothing: ${weftCommand("backend-install")}`
    )
  // Known without loading them, which takes a second.
  if (settings.device.startsWith("gpu") && backend.variant === "cpu") yield* deviceText(false, settings.device, backend)
  const level = yield* References.MinimumLogLevel
  const debug = level === "Debug" || level === "Trace" || level === "All"
  const { run, variables } = yield* Effect.try({
    try: () => (opened ??= openBackend(folder, deviceConfig(settings), debug)),
    catch: (cause) =>
      unavailable(`its addon does not load (${messageOf(cause)})`, `${install} --uninstall, then again.`)
  })
  yield* Effect.promise(() => tf.setBackend(backendName))
  if (settings.device === "cpu" && run.usesGpu)
    return yield* unavailable(
      "this process has opened TensorFlow on a GPU already",
      "Start another process for the processor."
    )
  const device: Device = {
    engine,
    backend: backendName,
    fusedAt: fusedWith(run),
    operators: { update: updateOf(run, variables), average: averageOf(run, variables) },
    isOutOfMemory
  }
  return Engine.of({
    info: {
      name: engine,
      device: yield* deviceText(run.usesGpu, settings.device, backend),
      versions: {
        tensorflow: run.version,
        "@tensorflow/tfjs-core": tf.version_core,
        node: process.versions.node
      }
    },
    preflight: (network) => preflight(device, network, install),
    open: (options) => open(device, options)
  })
})

/** The engine over TensorFlow with a configured device; see `EngineConfig`. */
export const layerWith = (settings: Settings) => Layer.effect(Engine, make(settings))

/** The engine over TensorFlow, on a GPU where it sees one. */
export const layer = layerWith(defaultEngine)
