import { Effect, Layer, Result } from "effect"
import { readFile } from "node:fs/promises"
import { Pretrained, WeightsError } from "../model/Pretrained.ts"
import { decode } from "../model/safetensors.ts"

const read = Effect.fnUntraced(function* (source: string, wants: (name: string) => boolean) {
  const bytes = yield* Effect.tryPromise({
    try: () => readFile(source),
    catch: (cause) => {
      const missing = cause instanceof Error && "code" in cause && cause.code === "ENOENT"
      return new WeightsError({
        source,
        reason: missing ? "missing" : "unreadable",
        detail: missing ? "there is no such file" : String(cause)
      })
    }
  })
  return yield* Effect.fromResult(
    Result.mapError(
      decode(bytes, wants),
      ({ message }) => new WeightsError({ source, reason: "unreadable", detail: message })
    )
  )
})

/** Trained weights from safetensors files. */
export const layer = Layer.succeed(Pretrained, {
  metadata: (source) =>
    Effect.map(
      read(source, () => false),
      ({ metadata }) => metadata
    ),
  tensors: (source) =>
    Effect.map(
      read(source, () => true),
      ({ tensors }) => tensors
    )
})
