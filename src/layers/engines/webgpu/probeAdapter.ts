import { Effect, Schema } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { EngineUnavailable } from "../../../model/Engine.ts"
import { Adapter, describe } from "./Adapter.ts"
import type { Kind } from "./dawn.ts"

const engine = "webgpu"

/** A driver that hangs must not hold up the run; one that compiles its own parts first may take seconds. */
const patience = 30_000

const cures: Partial<Record<NodeJS.Platform, string>> = {
  darwin: "WebGPU needs Metal: a Mac with macOS 12 or later, and not a virtual machine without a graphics card.",
  win32: "Install the graphics card's own driver (AMD, Intel or NVIDIA), which brings Direct3D 12."
}

/** What to install, for a system that Dawn finds no adapter on. */
export const cure =
  cures[process.platform] ??
  "Install (or bring up to date) the Vulkan loader and the graphics card's Vulkan driver: on Debian and Ubuntu libvulkan1, and " +
    "mesa-vulkan-drivers for AMD and Intel, or nvidia-vulkan-icd (Ubuntu: libnvidia-gl-VERSION) for NVIDIA. A container " +
    "needs the card (/dev/dri, or --gpus all with NVIDIA_DRIVER_CAPABILITIES=all)."

/** What Dawn and the Vulkan loader say on standard error, without the places in Dawn's source. */
const complaints = (stderr: string): string =>
  stderr
    .split("\n")
    .filter((line) => /^(Warning|Error): /.test(line))
    .map((line) => line.replace(/^\w+: /, ""))
    .join("; ")

interface Answer {
  readonly stdout: string
  readonly stderr: string
  readonly failure: { readonly code?: number | string | null; readonly signal?: string | null } | null
}

const ask = (kind: Kind, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve) => {
    const program = fileURLToPath(new URL("./probe.ts", import.meta.url))
    execFile(process.execPath, [program, kind], { signal, timeout: patience }, (failure, stdout, stderr) =>
      resolve({ stdout, stderr, failure })
    )
  })

const reasonOf = ({ failure, stderr }: Answer): string => {
  const said = complaints(stderr)
  if (failure?.signal === "SIGTERM") return `the graphics driver did not answer within ${patience / 1000} seconds`
  if (typeof failure?.signal === "string") return `the graphics driver crashed (${failure.signal})`
  if (failure !== null) return `Dawn does not start (${said === "" ? `exit code ${failure.code}` : said})`
  return `Dawn found no adapter${said === "" ? "" : ` (${said})`}`
}

/**
 * The adapter of a kind that Dawn finds, or why there is none. It looks in a process of its own: a driver that crashes
 * takes nothing with it, and what Dawn prints is no noise but the reason.
 */
export const probeAdapter = Effect.fn("webgpu.probeAdapter")(function* (kind: Kind) {
  const answer = yield* Effect.promise((signal) => ask(kind, signal))
  const adapter = yield* Schema.decodeEffect(Schema.fromJsonString(Schema.NullOr(Adapter)))(answer.stdout).pipe(
    Effect.orElseSucceed(() => null)
  )
  if (adapter === null) return yield* new EngineUnavailable({ engine, reason: reasonOf(answer), cure })
  if (adapter.software && kind === "gpu")
    return yield* new EngineUnavailable({
      engine,
      reason: `Dawn found no graphics card, only ${describe(adapter)}`,
      cure: `${cure} That adapter computes on the processor, for tests: engine.name = "webgpu" with engine.device = "cpu" takes it.`
    })
  return adapter
})
