import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { report } from "../pipeline/Progress.ts"
import { evaluateRuns, measuredAlone } from "../run/evaluate/evaluateRuns.ts"
import type { MeasuredAlone } from "../run/evaluate/evaluateRuns.ts"
import { writePartPage } from "../run/report/writePartPage.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { finishedRuns } from "./finishedRuns.ts"
import * as options from "./options.ts"
import { calibrationText, evaluationText, membersText } from "./summary.ts"
import { section } from "./text.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  run: options.runs,
  part: Flag.Literals("part", ["train", "validation", "test"]).pipe(
    Flag.withDescription("Which part of the catalogue"),
    Flag.withDefault("test")
  ),
  engine: options.predictor.pipe(Flag.optional),
  set: options.set.pipe(
    Flag.withDescription(
      "Changes one key that decides how the model is applied, such as data.root=/data/shop; may be repeated"
    )
  ),
  json: options.json
}

/** Writes the page of one run into its folder; several runs have none. */
const pageOf = (folder: RunFolder["Service"], alone: MeasuredAlone) =>
  Runs.use((runs) => runs.hold(folder.path, "wait")).pipe(
    Effect.andThen(writePartPage(alone)),
    Effect.scoped,
    Effect.provideService(RunFolder, folder),
    Effect.catch((error) =>
      Effect.as(report({ _tag: "Note", line: `the page could not be written: ${error.message}` }), undefined)
    )
  )

/** Measures runs' models on their catalogue again. */
export const evaluate = Command.make(
  "evaluate",
  flags,
  Effect.fnUntraced(function* ({ engine, json, part, run, set }) {
    const runs = yield* finishedRuns("evaluate", run, set)
    const measured = yield* evaluateRuns(runs, part, Option.getOrUndefined(engine))
    const { calibration, calibrationColumns, members } = measured
    const alone = measuredAlone(measured)
    const page = alone && (yield* pageOf(runs[0].folder, alone))
    if (json) return yield* Console.log(JSON.stringify(alone ?? measured, null, 2))
    const names = members.map(({ run }) => run).join(" + ")
    yield* Console.log(
      measured.report === null
        ? `The ${part} part is empty.`
        : section(
            `${names}: ${part} part (${measured.samples} images)`,
            evaluationText(measured.report, calibration, measured.calibrationColumns)
          ) +
            (alone === undefined ? `\n${membersText(measured)}` : "") +
            Object.entries(calibrationColumns ?? {})
              .map(([name, own]) => `\n\n${name}: ${calibrationText(undefined, part, own)}`)
              .join("") +
            (calibration === undefined || calibrationColumns !== undefined
              ? ""
              : `\n\n${calibrationText(alone?.calibration?.temperature, part, calibration)}`) +
            (page === undefined ? "" : `\n\nAs a page: ${names}/${page}`)
    )
  })
).pipe(
  Command.withDescription(
    "Measures a run's model on a part of its catalogue again; several runs' as one, by the mean of their probabilities"
  ),
  Command.withExamples([
    { command: weftCommand("evaluate --run runs/first"), description: "One run, on its test part" },
    {
      command: weftCommand("evaluate --run runs/first --run runs/second"),
      description: "Two runs as one, and each alone; they need the same classes and the same test part"
    }
  ])
)
