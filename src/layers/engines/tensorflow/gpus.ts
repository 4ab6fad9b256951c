import { Effect } from "effect"
import { existsSync } from "node:fs"
import type { InstalledBackend } from "../../backend/BackendFolder.ts"
import { runCommand } from "../../backend/command.ts"
import { weftCommand } from "../../../config/weftCommand.ts"

/** A GPU as NVIDIA's driver names it; memory in MiB. */
export interface Gpu {
  readonly index: number
  readonly name: string
  readonly memory: number
  readonly driver: string
}

/** The machine's GPUs, by NVIDIA's own tool; none where there is no such tool. */
export const listGpus: Effect.Effect<ReadonlyArray<Gpu>> = Effect.map(
  runCommand("nvidia-smi", ["--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader,nounits"]),
  ({ code, output }) =>
    code !== 0
      ? []
      : output.split("\n").flatMap((line): ReadonlyArray<Gpu> => {
          const [index, name, memory, driver, ...rest] = line.split(",").map((cell) => cell.trim())
          if (name === undefined || driver === undefined || rest.length > 0) return []
          return [{ index: Number(index), name, memory: Number(memory), driver }]
        })
)

/** For people: `GPU 0, NVIDIA H200, 140 GiB, driver 570.86.10`. */
export const gpuText = ({ driver, index, memory, name }: Gpu): string =>
  `GPU ${index}, ${name}, ${(memory / 1024).toFixed(0)} GiB, driver ${driver}`

/** Why TensorFlow sees no GPU, and what would help. */
export const whyNoGpu = (
  backend: InstalledBackend,
  gpus: ReadonlyArray<Gpu>
): { readonly reason: string; readonly cure: string } => {
  const visible = process.env["CUDA_VISIBLE_DEVICES"]
  if (backend.variant === "cpu")
    return {
      reason: `TensorFlow's libraries here (${backend.version}, from ${backend.source}) are built for processors alone`,
      cure: `Install those with CUDA: ${weftCommand("backend-install --gpu")}`
    }
  if (gpus.length === 0)
    return {
      reason: existsSync("/proc/driver/nvidia/version")
        ? "NVIDIA's driver names no GPU (nvidia-smi lists none)"
        : "there is no NVIDIA driver here (no nvidia-smi, no /proc/driver/nvidia)",
      cure: "Install NVIDIA's driver, and in a container give it the GPU (docker run --gpus all)."
    }
  if (visible !== undefined && !/^\s*(\d|GPU-|MIG-)/.test(visible))
    return {
      reason: `the environment's CUDA_VISIBLE_DEVICES (${JSON.stringify(visible)}) hides every GPU`,
      cure: "Unset CUDA_VISIBLE_DEVICES, or name a GPU in it."
    }
  return {
    reason: `TensorFlow does not take ${gpus.map(gpuText).join("; ")}: a library of CUDA does not load, or the driver is too old for it`,
    cure: `TF_CPP_MIN_LOG_LEVEL=0 ${weftCommand("doctor")} shows what TensorFlow says; ${weftCommand("backend-install --gpu")} installs the libraries that it needs.`
  }
}
