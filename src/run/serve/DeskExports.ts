import { Context, Schema } from "effect"
import type { Stream } from "effect"
import type { DeskError } from "./DeskFaults.ts"

/** The catalogue cannot be given out with its corrected cells. */
export class NoExport extends Schema.TaggedError<NoExport>()("NoExport", {
  reason: Schema.Literals(["noCsv", "unreadable"]),
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** What leaves the desk as files. */
export class DeskExports extends Context.Service<
  DeskExports,
  {
    /** The catalogue's CSV with the corrected cells; all other bytes as they are in its file. */
    readonly catalogue: Stream.Stream<Uint8Array, NoExport | DeskError>
    /** The corrected cells alone, for `data.corrections`. */
    readonly corrections: Stream.Stream<Uint8Array, DeskError>
    /** Those of them that a retraining may learn from: none of the validation and test parts, and no blind answers. */
    readonly trainingCorrections: Stream.Stream<Uint8Array, DeskError>
  }
>()("weft/run/serve/DeskExports") {}
