import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { Report } from "../metrics/Report.ts"
import { Checkpoints } from "../model/Checkpoints.ts"
import { EngineName } from "../model/EngineConfig.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { configuredEngine } from "../run/train/RunEngine.ts"
import type { RunEngine } from "../run/train/RunEngine.ts"
import { finishedRun, trainRun } from "../run/train/trainRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { resumeWhich } from "./latestRun.ts"
import { newFolder } from "./newFolder.ts"
import * as options from "./options.ts"
import { readConfig, readRunConfig } from "./readConfig.ts"
import { reportText } from "./summary.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  config: Flag.optional(options.config),
  set: options.set,
  run: options.run.pipe(Flag.withDescription("The run's folder; runs/<time>-<name> where left out"), Flag.optional),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription("Goes on with the run in --run, from its last checkpoint and with its own configuration"),
    Flag.withDefault(false)
  ),
  engine: Flag.Literals("engine", ["auto", ...EngineName.literals]).pipe(
    Flag.withDescription(
      "With --resume: goes on with this engine instead of the one that the run began with; auto: with what runs here. The weights are then not those of one engine"
    ),
    Flag.optional
  ),
  json: options.json
}

/** What a run's folder must not hold for one to begin in it; what a start that failed left is no run. */
const checkFree = Effect.fnUntraced(function* (folder: RunFolder["Service"]) {
  const { path } = folder
  const isRun = (yield* folder.has("report.json")) || (yield* folder.has("checkpoints"))
  if (isRun)
    return yield* new ConfigError({
      where: `--run ${path}`,
      problems: ["there is a run in this folder already; add --resume to go on with it, or name another folder"]
    })
  if (yield* folder.has("search.json"))
    return yield* new ConfigError({
      where: `--run ${path}`,
      problems: ["there is a search in this folder already; name another folder"]
    })
})

/** What a run that goes on is to run on, where it is not what it began on. */
const otherEngine = (name: Option.Option<RunEngine["name"]>): RunEngine | undefined =>
  Option.getOrUndefined(Option.map(name, (name) => ({ name, device: "auto", features: "auto" })))

/** Trains a network, and leaves a folder with the model and its report. */
export const train = Command.make(
  "train",
  flags,
  Effect.fnUntraced(function* ({ config: file, engine, json, resume, run: dir, set }) {
    const runs = yield* Runs
    if (resume && Option.isNone(dir)) return yield* yield* resumeWhich("train", "config.json", "report.json")
    if (resume && (Option.isSome(file) || set.length > 0))
      return yield* new ConfigError({
        where: "--resume",
        problems: ["goes with --run DIR alone: the configuration is the one that the run began with"]
      })
    if (!resume && Option.isSome(engine))
      return yield* new ConfigError({
        where: "--engine",
        problems: ["goes with --resume; a new run's engine is set with --set engine.name=NAME"]
      })
    const config = resume
      ? yield* readRunConfig(Option.getOrThrow(dir)) // seen above
      : yield* readConfig(
          Option.getOrElse(file, () => options.defaultConfig),
          set
        )
    const path = Option.getOrElse(dir, () => undefined) ?? (yield* newFolder(config.name))
    const { checkpoints, folder } = yield* runs.open(path, config.train.checkpoint.keep)
    const print = (finished: Report) =>
      Console.log(json ? JSON.stringify(finished, null, 2) : reportText(finished, path))
    if (resume) {
      const finished = yield* Effect.provideService(finishedRun(config), RunFolder, folder)
      if (finished !== undefined) return yield* print(finished)
    }
    yield* runs.hold(path, "refuse")
    if (!resume) yield* checkFree(folder)
    yield* report({ _tag: "Note", line: `run ${path}` })
    // What an earlier start left in the folder does not count.
    const finished = yield* trainRun(config, resume ? otherEngine(engine) : configuredEngine(config)).pipe(
      Effect.provideService(RunFolder, folder),
      Effect.provideService(Checkpoints, checkpoints),
      Effect.onInterrupt(() =>
        Effect.gen(function* () {
          const isBegun = yield* folder.has("config.json")
          const command = isBegun ? weftCommand(`train --run ${path} --resume`) : "the same command again"
          yield* Console.error(`\nInterrupted. To go on: ${command}`)
        })
      )
    )
    yield* print(finished)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Trains a network on a catalogue, and leaves a folder with the model and its report"),
  Command.withExamples([
    { command: weftCommand("train"), description: "Train on the sample catalogue that Weft draws" },
    {
      command: weftCommand("train --config configs/fashion/simple-cnn.toml --set data.root=/data/fashion"),
      description: "Train on a catalogue of your own"
    },
    { command: weftCommand("train --run runs/first --resume"), description: "Go on with an interrupted run" }
  ])
)
