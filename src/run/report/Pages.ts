import { Cause, Context, Effect, Layer } from "effect"
import { messageOf } from "../../pipeline/messageOf.ts"
import { report } from "../../pipeline/Progress.ts"
import type { SampleCatalogue } from "../../pipeline/SampleCatalogue.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Runs } from "../Runs.ts"
import type { Charts } from "./Charts.ts"
import type { Occlusion } from "./occlusion.ts"
import { writeOcclusion } from "./occlusion.ts"
import type { Thumbnails } from "./Thumbnails.ts"
import { writeReport } from "./writeReport.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** Finds where the network looked in its mistakes, while the run's model is open. */
type Occluding = Effect.Effect<Occlusion, Error, Thumbnails>

/**
 * Writes the pages of a finished run; writes nothing unless a Layer provides it. It cannot fail. `occluding` is given
 * only for a run that has just been trained.
 */
export const Pages = Context.Reference<(folder: RunFolder["Service"], occluding?: Occluding) => Effect.Effect<void>>(
  "weft/run/report/Pages",
  { defaultValue: () => () => Effect.void }
)

/** Writes the page and charts of a run or a search, and a run's model card. A failure is only a note. */
export const layer = Layer.effect(
  Pages,
  Effect.map(
    Effect.context<Charts | Thumbnails | SampleCatalogue | Runs>(),
    (context) => (folder: RunFolder["Service"], occluding?: Occluding) =>
      Effect.andThen(
        occluding === undefined
          ? Effect.void
          : Effect.flatMap(occluding, writeOcclusion).pipe(
              Effect.catch(({ message }) =>
                report({ _tag: "Note", line: `where the network looked is not on the page: ${message}` })
              )
            ),
        writeReport()
      ).pipe(
        Effect.provideContext(context),
        Effect.provideService(RunFolder, folder),
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.interrupt
            : report({
                _tag: "Note",
                line: `the page could not be written: ${messageOf(Cause.squash(cause))}. All else is done. Try again: ${weftCommand(`report ${folder.path}`)}`
              })
        )
      )
  )
)
