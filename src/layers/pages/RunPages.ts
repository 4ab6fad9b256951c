import { Cause, Effect, Layer } from "effect"
import type { SampleCatalogue } from "../../pipeline/SampleCatalogue.ts"
import { report } from "../../pipeline/Progress.ts"
import type { Charts } from "../../run/report/Charts.ts"
import { Pages } from "../../run/report/Pages.ts"
import type { Thumbnails } from "../../run/report/Thumbnails.ts"
import { writeReport } from "../../run/report/writeReport.ts"
import { RunFolder } from "../../run/RunFolder.ts"
import type { Runs } from "../../run/Runs.ts"

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
                line: `all is done, but the page is not: ${messageOf(cause)}. Once more: npx pnpm pipeline:report ${folder.path}`
              })
        )
      )
  )
)

const messageOf = (cause: Cause.Cause<unknown>) => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}
