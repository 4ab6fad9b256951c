import { Context, Schema } from "effect"
import type { Effect } from "effect"
import * as Runtime from "effect/Runtime"
import type { ExportFile } from "../../model/export/ExportFile.ts"

/** A run cannot be exported as it is asked for. Exit code 2 where another command line would do, else 1. */
export class ExportError extends Schema.TaggedError<ExportError>()("ExportError", {
  /** The run's or the export's folder. */
  where: Schema.String,
  reason: Schema.Literals(["unfinished", "names", "occupied", "unwritable", "tooLarge", "disagrees"]),
  detail: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    return ["unfinished", "names", "occupied"].includes(this.reason) ? 2 : 1
  }
  override get message() {
    return `${this.where}: ${this.detail}`
  }
}

/** An export that is written and not there yet. */
export interface Draft {
  /** Where it lies until it is checked. */
  readonly folder: string
  readonly read: (name: string) => Effect.Effect<Uint8Array, ExportError>
}

/** Folders of exported models: they are there whole and checked, or not at all. */
export class Exports extends Context.Service<
  Exports,
  {
    /** Fails where an export may not go: the folder has something in it. `force` gives up an earlier export. */
    readonly vacant: (target: string, force: boolean) => Effect.Effect<void, ExportError>
    /** Writes the files, and has them checked; the folder appears when the check has passed. */
    readonly publish: <A, E, R>(
      target: string,
      files: ReadonlyArray<ExportFile>,
      force: boolean,
      check: (draft: Draft) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | ExportError, R>
  }
>()("weft/run/Exports") {}
