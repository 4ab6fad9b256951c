import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { evaluateRun } from "../run/evaluateRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { runOr } from "./latestRun.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"
import { calibrationText, evaluationText } from "./summary.ts"
import { section } from "./text.ts"

const flags = {
  run: options.run.pipe(
    Flag.withDescription("The run's folder; the newest finished one under runs/ where left out"),
    Flag.optional
  ),
  part: Flag.Literals("part", ["train", "validation", "test"]).pipe(
    Flag.withDescription("Which part of the catalogue"),
    Flag.withDefault("test")
  ),
  engine: options.predictor.pipe(Flag.optional),
  set: options.set,
  json: options.json
}

/** Measures a run's model on its catalogue again. */
export const evaluate = Command.make(
  "evaluate",
  flags,
  Effect.fnUntraced(function* ({ engine, json, part, run, set }) {
    const path = yield* runOr(run)
    const config = yield* readRunConfig(path, set)
    const folder = yield* Runs.use((runs) => runs.existing(path))
    const found = yield* evaluateRun(config, part, Option.getOrUndefined(engine)).pipe(
      Effect.provideService(RunFolder, folder)
    )
    if (json) return yield* Console.log(JSON.stringify(found, null, 2))
    yield* Console.log(
      found.report === null
        ? `The ${part} part is empty.`
        : section(`${path}: ${part} part (${found.samples} images)`, evaluationText(found.report)) +
            (found.calibration === undefined
              ? ""
              : `\n\n${calibrationText(found.calibration.temperature, part, found.calibration)}`)
    )
  })
).pipe(Command.withDescription("Measures a run's model on a part of its catalogue again"))
