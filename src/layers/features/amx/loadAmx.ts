import { Effect } from "effect"
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { FeaturesError } from "../../../model/Features.ts"
import { backendFolder, readInstalled } from "../../backend/BackendFolder.ts"
import { amxName } from "./amxName.ts"
import { weftCommand } from "../../../config/weftCommand.ts"

/** The addon (`native/amx.cc`): networks in inference mode on the processor's matrix unit. */
export interface Addon {
  /** Opens a network, by the lines and weights of `linesOf`, on a number of threads; the weights are copied. */
  readonly open: (lines: Int32Array, weights: ReadonlyArray<Float32Array>, threads: number) => object
  /**
   * Resolves with `results` when they are filled. Neither array may change before that. Computes on threads of its own.
   */
  readonly run: (program: object, images: Float32Array, count: number, results: Float32Array) => Promise<Float32Array>
  /** Frees the network, when its running work has ended. */
  readonly close: (program: object) => void
}

const unavailable = (detail: string, cause?: unknown) =>
  new FeaturesError({ engine: "amx", reason: "unavailable", detail, cause })

const install = weftCommand("backend-install")

/** A compiled addon. Fails as `unavailable`, with what to do, where it does not run here. */
export const openAmx = (path: string): Effect.Effect<Addon, FeaturesError> =>
  Effect.try({
    try: () => createRequire(import.meta.url)(path) as Addon | Record<string, never>, // compiled from our own sources
    catch: (cause) => unavailable(`its addon does not load. Compile it again: ${install} --force`, cause)
  }).pipe(
    Effect.flatMap((addon) =>
      "open" in addon
        ? Effect.succeed(addon as Addon)
        : Effect.fail(
            unavailable(
              "this processor has no matrix unit (AMX with bfloat16: Intel Xeon from the fourth generation on, on Linux), or the addon was compiled for another. Use onnxruntime"
            )
          )
    )
  )

/** The addon of the installed backend. Fails as `unavailable`, with what to do, where there is none that runs here. */
export const loadAmx = Effect.suspend(() => {
  const installed = readInstalled(backendFolder())
  if (installed === undefined) return Effect.fail(unavailable(`its addon is not installed. Install it: ${install}`))
  const path = join(installed.folder, amxName())
  if (!existsSync(path))
    return Effect.fail(unavailable(`its addon was compiled for another version of Weft. Compile it again: ${install}`))
  return openAmx(path)
})
