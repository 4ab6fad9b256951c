import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Weights } from "./Tensor.ts"

/**
 * Trained weights cannot be had or do not fit.
 *
 * `missing` (no such file, here or on the hub), `unreadable`, `mismatch` (not this network's), `notFinite` (NaN or
 * infinity among them), `invalidName` (no name that a hub has), `settings` (a variable of the environment is wrong), `notPermitted` (a token or an agreement is
 * needed), `offline` (not fetched yet, and HF_HUB_OFFLINE is set): exit code 2, as it is the configuration that names
 * them. `unreachable`, `damaged` (not the published bytes), `diskFull`, `failed`: exit code 1.
 */
export class WeightsError extends Schema.TaggedError<WeightsError>()("WeightsError", {
  /** As `network.weights` has it. */
  source: Schema.String,
  reason: Schema.Literals([
    "missing",
    "unreadable",
    "mismatch",
    "notFinite",
    "invalidName",
    "settings",
    "notPermitted",
    "offline",
    "unreachable",
    "damaged",
    "diskFull",
    "failed"
  ]),
  /** What was found, and what to do. */
  detail: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    return ["unreachable", "damaged", "diskFull", "failed"].includes(this.reason) ? 1 : 2
  }
  override get message() {
    return `The weights \`network.weights = ${JSON.stringify(this.source)}\` cannot be used: ${this.detail}`
  }
}

/** What is said of trained weights: a safetensors file's `__metadata__`, or the same keys from beside it. */
export type Metadata = Readonly<Record<string, string>>

/** What is known of trained weights before they are read. */
export interface Contents {
  readonly metadata: Metadata
  /** Of all tensors, under the names that the file has. */
  readonly shapes: ReadonlyMap<string, ReadonlyArray<number>>
}

/** What lies beside trained weights and tells of them. */
export interface Beside {
  /** Where it is said, for people. */
  readonly from: string
  readonly metadata: Metadata
}

/** Trained weights by source: a file, or a name on a hub (`hf:OWNER/NAME`). */
export class Pretrained extends Context.Service<
  Pretrained,
  {
    /** Whether the weights are on this machine: nothing is fetched to know it, nor would be to have them. */
    readonly atHand: (source: string) => Effect.Effect<boolean>
    /** What the weights are, without reading them. */
    readonly contents: (source: string) => Effect.Effect<Contents, WeightsError>
    /** What is said beside the weights, for what their own metadata leave open; a note tells what cannot be read. */
    readonly beside: (source: string) => Effect.Effect<Beside | undefined>
    /** These tensors, which must be among the contents, as float32 and under the names that the file has. */
    readonly tensors: (source: string, names: ReadonlySet<string>) => Effect.Effect<Weights, WeightsError>
  }
>()("weft/model/Pretrained") {
  /** Weights in memory, by source. */
  static readonly layerMemory = (
    files: Readonly<
      Record<string, { readonly metadata: Metadata; readonly tensors: Weights; readonly beside?: Beside }>
    >
  ) => {
    const find = (source: string) =>
      Effect.suspend(() => {
        const found = files[source]
        return found === undefined
          ? Effect.fail(new WeightsError({ source, reason: "missing", detail: "there is no such file" }))
          : Effect.succeed(found)
      })
    return Layer.succeed(Pretrained, {
      atHand: (source) => Effect.succeed(files[source] !== undefined),
      contents: (source) =>
        Effect.map(find(source), ({ metadata, tensors }) => ({
          metadata,
          shapes: new Map(Array.from(tensors, ([name, { shape }]) => [name, shape]))
        })),
      beside: (source) => Effect.succeed(files[source]?.beside),
      tensors: (source, names) =>
        Effect.map(find(source), ({ tensors }) => new Map([...tensors].filter(([name]) => names.has(name))))
    })
  }
}
