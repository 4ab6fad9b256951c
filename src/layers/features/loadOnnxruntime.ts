import { Effect } from "effect"
import { messageOf } from "../../pipeline/messageOf.ts"
import { bringing, isMissing } from "../machine/optionalPackages.ts"

/** onnxruntime cannot be loaded, and what to do. */
export interface NotLoaded {
  readonly detail: string
  readonly cause: unknown
}

/** Loaded when it is first needed: 46 MB of native code, which not every platform has. */
export const loadOnnxruntime = Effect.tryPromise({
  try: () => import("onnxruntime-node"),
  catch: (cause): NotLoaded => ({
    cause,
    detail: isMissing(cause)
      ? `onnxruntime-node is not installed. Install it: ${bringing(["onnxruntime-node"])}`
      : `onnxruntime-node does not load here (${messageOf(cause)}). Use Linux, Windows or macOS on ARM, and install it again: ${bringing(["onnxruntime-node"])}`
  })
})
