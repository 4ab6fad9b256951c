import { Context, Effect, Layer, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Weights } from "./Tensor.ts"

/**
 * Trained weights cannot be loaded or do not fit.
 *
 * `missing` (no such file, here or on the hub), `unreadable`, `mismatch` (not this network's), `notFinite` (NaN or
 * infinity among them), `invalidName` (not a valid name on a hub), `settings` (a variable of the environment is wrong),
 * `notPermitted` (a token or an agreement is needed), `offline` (not fetched yet, and HF_HUB_OFFLINE is set): exit code
 * 2, because the configuration names them. `unreachable`, `damaged` (not the published bytes), `diskFull`, `failed`:
 * exit code 1.
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

/** Metadata of trained weights: a safetensors file's `__metadata__`, or the same keys from a file beside it. */
export type Metadata = Readonly<Record<string, string>>

/** The contents of a weights' file, known from its header. */
export interface Contents {
  readonly metadata: Metadata
  /** Of all tensors, under the names that the file has. */
  readonly shapes: ReadonlyMap<string, ReadonlyArray<number>>
}

/** Metadata from a file beside the weights. */
export interface Beside {
  /** Where the metadata are from, for people. */
  readonly from: string
  readonly metadata: Metadata
}

/** Trained weights by source: a file, or a name on a hub (`hf:OWNER/NAME`). */
export class Pretrained extends Context.Service<
  Pretrained,
  {
    /** Whether the weights are on this machine, so that nothing needs to be fetched. Fetches nothing itself. */
    readonly atHand: (source: string) => Effect.Effect<boolean>
    /** The contents, without reading the tensors. */
    readonly contents: (source: string) => Effect.Effect<Contents, WeightsError>
    /**
     * Metadata from beside the weights, for settings that their own metadata leave open; a note reports a file that
     * cannot be read.
     */
    readonly beside: (source: string) => Effect.Effect<Beside | undefined>
    /** These tensors, which must be among the contents, as float32 and under the names that the file has. */
    readonly tensors: (source: string, names: ReadonlySet<string>) => Effect.Effect<Weights, WeightsError>
    /** The bytes of an ONNX file, with data from beside it inside; of a run's folder, its backbone. */
    readonly graph: (source: string) => Effect.Effect<Uint8Array<ArrayBuffer>, WeightsError>
  }
>()("weft/model/Pretrained") {
  /** Weights in memory, by source. */
  static readonly layerMemory = (
    files: Readonly<
      Record<
        string,
        {
          readonly metadata: Metadata
          readonly tensors: Weights
          readonly beside?: Beside
          readonly graph?: Uint8Array<ArrayBuffer>
        }
      >
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
        Effect.map(find(source), ({ tensors }) => new Map([...tensors].filter(([name]) => names.has(name)))),
      graph: (source) =>
        Effect.flatMap(find(source), ({ graph }) =>
          graph === undefined
            ? Effect.fail(new WeightsError({ source, reason: "mismatch", detail: "it is no ONNX file" }))
            : Effect.succeed(graph)
        )
    })
  }
}
