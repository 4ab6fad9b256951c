import { Console, Effect, Option, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { Command, Flag } from "effect/cli"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import type { Check } from "../run/verify/Check.ts"
import { verifyRun } from "../run/verify/verifyRun.ts"
import { recordedEngine } from "./finishedRuns.ts"
import { runOr } from "./latestRun.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  run: options.run.pipe(
    Flag.withDescription("The run's folder; the newest finished one under runs/ where left out"),
    Flag.optional
  ),
  data: Flag.Boolean("data").pipe(
    Flag.withDescription(
      "Reads the catalogue, and predicts its validation and test parts again; --no-data leaves that out"
    ),
    Flag.withDefault(true)
  ),
  samples: Flag.Int("samples").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("Predicts only this many samples of each part again; all where left out"),
    Flag.filter(
      (n) => n >= 1,
      (n) => `expected 1 or more samples, got ${n}`
    ),
    Flag.optional
  ),
  engine: options.predictor.pipe(Flag.optional),
  set: options.set,
  json: options.json
}

/** A value of a run does not follow from the rest of the run. Exit code 1. */
class RunDiffers extends Schema.TaggedError<RunDiffers>()("RunDiffers", {
  run: Schema.String,
  checks: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 1
  override get message() {
    return `${this.run} does not agree with its record: ${this.checks.join(", ")}. Each difference is listed above.`
  }
}

const marks = { agrees: "agrees ", differs: "DIFFERS", cannotBeChecked: "   ?   " } as const

/** Longer values, such as a whole row, are shortened. */
const widest = 120

const cut = (text: string) => (text.length > widest ? `${text.slice(0, widest - 1)}…` : text)

const linesOf = ({ detail, differences, status, what }: Check, width: number): ReadonlyArray<string> => [
  `${marks[status]}  ${what.padEnd(width)}  ${detail}`,
  ...differences.map(
    ({ at, expected, found }) =>
      `${" ".repeat(9)}${at === "" ? "" : `${at}: `}the run has ${cut(expected)}, found ${cut(found)}`
  )
]

/** Computes a run's values again, and reports which agree. */
export const verify = Command.make(
  "verify",
  flags,
  Effect.fnUntraced(function* ({ data, engine, json, run, samples, set }) {
    const path = yield* runOr(run)
    const config = yield* readRunConfig(path, set)
    const folder = yield* Runs.use((runs) => runs.existing(path))
    const found = yield* verifyRun(config, {
      data,
      samples: Option.getOrElse(samples, () => Infinity),
      engine: Option.getOrUndefined(engine),
      recorded: yield* recordedEngine(folder, set)
    }).pipe(Effect.provideService(RunFolder, folder))
    const width = Math.max(...found.checks.map(({ what }) => what.length))
    yield* Console.log(
      json ? JSON.stringify(found, null, 2) : found.checks.flatMap((check) => linesOf(check, width)).join("\n")
    )
    if (!found.agrees)
      return yield* new RunDiffers({
        run: path,
        checks: found.checks.filter(({ status }) => status === "differs").map(({ what }) => what)
      })
  })
).pipe(
  Command.withDescription(
    "Computes a run's recorded values again from its files and its catalogue, and reports which agree; exit code 1 where one differs"
  ),
  Command.withExamples([
    { command: weftCommand("verify --run runs/first"), description: "All that can be checked" },
    { command: weftCommand("verify --run runs/first --no-data"), description: "From the run's own files alone" }
  ])
)
