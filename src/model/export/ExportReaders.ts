import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { ExportFormat, ExportOutput } from "./ExportSettings.ts"

/** An exported model could not be read, or not be applied. */
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

/** An export's folder, and what its graph is to be given, batch by batch. */
export interface ReadRequest {
  readonly format: Exclude<ExportFormat, "safetensors">
  readonly folder: string
  readonly output: ExportOutput
  readonly batches: ReadonlyArray<ReaderBatch>
}

/** What a reader found, for each batch (size, classes) row by row; or why nothing here reads this format. */
export type ReadResult =
  | { readonly _tag: "Read"; readonly reader: string; readonly outputs: ReadonlyArray<Float32Array> }
  | { readonly _tag: "NoReader"; readonly reason: string }

/** Loads exported models anew, with the libraries that they are made for. */
export class ExportReaders extends Context.Service<
  ExportReaders,
  { readonly read: (request: ReadRequest) => Effect.Effect<ReadResult, ExportReadError> }
>()("weft/model/export/ExportReaders") {}
