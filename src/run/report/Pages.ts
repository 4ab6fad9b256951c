import { Context, Effect } from "effect"
import type { RunFolder } from "../RunFolder.ts"

/** What is written for people once a run is finished: by nobody unless a Layer says by whom. It cannot fail the run. */
export const Pages = Context.Reference<(folder: RunFolder["Service"]) => Effect.Effect<void>>("weft/run/report/Pages", {
  defaultValue: () => () => Effect.void
})
