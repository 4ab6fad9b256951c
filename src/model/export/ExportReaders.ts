import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { GraphFormatName } from "./formats.ts"

/** An exported model could not be loaded or run. */
export class ExportReadError extends Schema.TaggedError<ExportReadError>()("ExportReadError", {
  format: Schema.String,
  reader: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.reader} does not take the exported ${this.format}: ${this.detail}`
  }
}

/** Images as an exported graph takes them: normalised numbers, or bytes. */
export interface ReaderBatch {
  /** With the batch. */
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array | Uint8Array
}

/** A request: an export's folder, and the batches to run its graph on. */
export interface ReadRequest {
  readonly format: GraphFormatName
  readonly folder: string
  /** The names of the graph's outputs that are wanted. */
  readonly outputs: ReadonlyArray<string>
  readonly batches: ReadonlyArray<ReaderBatch>
}

/**
 * The wanted outputs of each batch, (size, classes) each, row by row; or why this machine has nothing that reads the
 * format.
 */
export type ReadResult =
  | {
      readonly _tag: "Read"
      readonly reader: string
      readonly outputs: ReadonlyArray<ReadonlyArray<Float32Array>>
      /** How long the graph ran on each batch. */
      readonly seconds?: ReadonlyArray<number>
    }
  | { readonly _tag: "NoReader"; readonly reason: string }

/** Loads exported models again, with the libraries that they are written for. */
export class ExportReaders extends Context.Service<
  ExportReaders,
  { readonly read: (request: ReadRequest) => Effect.Effect<ReadResult, ExportReadError> }
>()("weft/model/export/ExportReaders") {}
