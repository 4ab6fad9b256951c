import { Context, Effect } from "effect"
import type { RunFolder } from "../RunFolder.ts"

/** Writes the pages of a finished run; nothing unless a Layer provides it. It cannot fail the run. */
export const Pages = Context.Reference<(folder: RunFolder["Service"]) => Effect.Effect<void>>("weft/run/report/Pages", {
  defaultValue: () => () => Effect.void
})
