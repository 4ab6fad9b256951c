import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Weights } from "./Tensor.ts"

/**
 * Trained weights cannot be had or do not fit: `missing` (no such file), `unreadable`, `mismatch` (not this network's).
 * Exit code 2: it is the configuration that names them.
 */
export class WeightsError extends Schema.TaggedError<WeightsError>()("WeightsError", {
  /** As `network.weights` has it. */
  source: Schema.String,
  reason: Schema.Literals(["missing", "unreadable", "mismatch", "unreachable"]),
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `The weights \`network.weights = ${JSON.stringify(this.source)}\` cannot be used: ${this.detail}`
  }
}

/** What a file of trained weights says of itself; a safetensors file's `__metadata__`. */
export type Metadata = Readonly<Record<string, string>>

/** Trained weights by source: a file, or a name on a hub. */
export class Pretrained extends Context.Service<
  Pretrained,
  {
    /** The metadata alone. */
    readonly metadata: (source: string) => Effect.Effect<Metadata, WeightsError>
    /** All tensors, as float32, under the names that the file has. */
    readonly tensors: (source: string) => Effect.Effect<Weights, WeightsError>
  }
>()("weft/model/Pretrained") {
  /** Weights in memory, by source. */
  static readonly layerMemory = (
    files: Readonly<Record<string, { readonly metadata: Metadata; readonly tensors: Weights }>>
  ) => {
    const find = (source: string) =>
      Effect.suspend(() => {
        const found = files[source]
        return found === undefined
          ? Effect.fail(new WeightsError({ source, reason: "missing", detail: "there is no such file" }))
          : Effect.succeed(found)
      })
    return Layer.succeed(Pretrained, {
      metadata: (source) => Effect.map(find(source), ({ metadata }) => metadata),
      tensors: (source) => Effect.map(find(source), ({ tensors }) => tensors)
    })
  }
}
