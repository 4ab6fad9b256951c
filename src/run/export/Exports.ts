import { Context, Schema } from "effect"
import type { Effect, Scope } from "effect"
import * as Runtime from "effect/Runtime"
import type { ExportFile } from "../../model/export/Format.ts"

/**
 * A run cannot be exported as the user asked. Exit code 2 where another command line would work, 3 where the catalogue is
 * needed and is not there, else 1.
 */
export class ExportError extends Schema.TaggedError<ExportError>()("ExportError", {
  /** The run's or the export's folder. */
  where: Schema.String,
  reason: Schema.Literals([
    "unfinished",
    "names",
    "occupied",
    "catalogue",
    "unwritable",
    "tooLarge",
    "disagrees",
    "unmeasured",
    "accuracy"
  ]),
  detail: Schema.String
}) {
  override get [Runtime.errorExitCode]() {
    if (this.reason === "catalogue") return 3
    return ["unfinished", "names", "occupied"].includes(this.reason) ? 2 : 1
  }
  override get message() {
    return `${this.where}: ${this.detail}`
  }
}

/** An export that is written, but not yet in its final folder. */
export interface Draft {
  /** Its folder until it is checked. */
  readonly folder: string
  readonly read: (name: string) => Effect.Effect<Uint8Array, ExportError>
}

/** Folders of exported models: complete and checked, or absent. */
export class Exports extends Context.Service<
  Exports,
  {
    /** Fails where the folder has something in it; with `force`, an earlier export may be. */
    readonly vacant: (target: string, force: boolean) => Effect.Effect<void, ExportError>
    /** Writes the files into a new folder beside the target, to try them; it is gone when the Scope ends. */
    readonly draft: (target: string, files: ReadonlyArray<ExportFile>) => Effect.Effect<Draft, ExportError, Scope.Scope>
    /** Writes the files and checks them; the folder appears when the check has passed. */
    readonly publish: <A, E, R>(
      target: string,
      files: ReadonlyArray<ExportFile>,
      force: boolean,
      check: (draft: Draft) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | ExportError, R>
  }
>()("weft/run/Exports") {}
