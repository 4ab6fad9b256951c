import { Cause, Context, Effect, Layer } from "effect"
import { messageOf } from "../../pipeline/messageOf.ts"
import { report } from "../../pipeline/Progress.ts"
import type { SampleCatalogue } from "../../pipeline/SampleCatalogue.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Runs } from "../Runs.ts"
import type { Charts } from "./Charts.ts"
import type { Thumbnails } from "./Thumbnails.ts"
import { writeReport } from "./writeReport.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** Writes the pages of a finished run; nothing unless a Layer provides it. It cannot fail the run. */
export const Pages = Context.Reference<(folder: RunFolder["Service"]) => Effect.Effect<void>>("weft/run/report/Pages", {
  defaultValue: () => () => Effect.void
})

/** The page and charts of a run or a search, and a run's model card; that they could not be written is a note alone. */
export const layer = Layer.effect(
  Pages,
  Effect.map(
    Effect.context<Charts | Thumbnails | SampleCatalogue | Runs>(),
    (context) => (folder: RunFolder["Service"]) =>
      writeReport().pipe(
        Effect.provideContext(context),
        Effect.provideService(RunFolder, folder),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.interrupt
            : report({
                _tag: "Note",
                line: `all is done, but the page is not: ${messageOf(Cause.squash(cause))}. Once more: ${weftCommand(`report ${folder.path}`)}`
              })
        )
      )
  )
)
