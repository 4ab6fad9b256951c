import { Console, Effect, Option, Path } from "effect"
import { Command, Flag } from "effect/cli"
import { openInBrowser } from "../layers/pages/openInBrowser.ts"
import type { Report } from "../metrics/Report.ts"
import { Checkpoints } from "../model/Checkpoints.ts"
import { EngineName } from "../model/EngineConfig.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { configuredEngine } from "../run/train/RunEngine.ts"
import type { RunEngine } from "../run/train/RunEngine.ts"
import { finishedRun, trainRun } from "../run/train/trainRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import type { RunLogger } from "../run/RunLogger.ts"
import { RunLoggers } from "../run/RunLogger.ts"
import { Runs } from "../run/Runs.ts"
import { resumeWhich } from "./latestRun.ts"
import { newFolder } from "./newFolder.ts"
import * as options from "./options.ts"
import { readConfig, readRunConfig } from "./readConfig.ts"
import { reportText } from "./summary.ts"

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
  watch: Flag.Boolean("watch").pipe(
    Flag.withDescription(
      "Opens the run's page in the browser when the training begins; it is refreshed after each epoch"
    ),
    Flag.withDefault(false)
  ),
  json: options.json
}

/** Opens the page of a run that has begun, after the logger that writes it. The run does not wait for the browser. */
const watching: Effect.Effect<RunLogger, never, Path.Path> = Effect.map(
  Path.Path,
  ({ join, resolve }) =>
    ({ folder }) => {
      const page = resolve(join(folder.path, "report.html"))
      return openInBrowser(page).pipe(
        Effect.flatMap((isOpen) =>
          isOpen ? Effect.void : Console.error(`No browser could be started here; the page is ${page}`)
        ),
        Effect.forkScoped,
        Effect.as(undefined)
      )
    }
)

/** Fails where the folder has a run or a search already. What is left of a failed start is not a run. */
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

/** The engine that a resumed run is to run on, where it is not the one that it began on. */
const otherEngine = (name: Option.Option<RunEngine["name"]>): RunEngine | undefined =>
  Option.getOrUndefined(Option.map(name, (name) => ({ name, device: "auto", features: "auto" })))

/** Trains a network, and writes a folder with the model and its report. */
export const train = Command.make(
  "train",
  flags,
  Effect.fnUntraced(function* ({ config: file, engine, json, resume, run: dir, set, watch }) {
    const runs = yield* Runs
    if (resume && Option.isNone(dir)) return yield* yield* resumeWhich("train", "config.json", "report.json")
    if (resume && (Option.isSome(file) || set.length > 0))
      return yield* new ConfigError({
        where: "--resume",
        problems: ["only --run DIR goes with it: the configuration is the one that the run began with"]
      })
    if (!resume && Option.isSome(engine))
      return yield* new ConfigError({
        where: "--engine",
        problems: ["is for --resume; set a new run's engine with --set engine.name=NAME"]
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
    // A new run uses the configured engine, whatever an earlier start has written into the folder.
    const finished = yield* trainRun(config, resume ? otherEngine(engine) : configuredEngine(config)).pipe(
      Effect.provideService(RunFolder, folder),
      Effect.provideService(Checkpoints, checkpoints),
      Effect.provideService(RunLoggers, [...(yield* RunLoggers), ...(watch ? [yield* watching] : [])]),
      Effect.onInterrupt(() =>
        Effect.gen(function* () {
          const isBegun = yield* folder.has("config.json")
          const command = isBegun ? `npx pnpm pipeline:train --run ${path} --resume` : "the same command again"
          yield* Console.error(`\nInterrupted. To go on: ${command}`)
        })
      )
    )
    yield* print(finished)
  }, Effect.scoped)
).pipe(
  Command.withDescription("Trains a network on a catalogue, and writes a folder with the model and its report"),
  Command.withExamples([
    { command: "pnpm pipeline:train", description: "Train on the sample catalogue that Weft draws" },
    {
      command: "pnpm pipeline:train --config configs/fashion/simple-cnn.toml --set data.root=/data/fashion",
      description: "Train on a catalogue of your own"
    },
    { command: "pnpm pipeline:train --run runs/first --resume", description: "Go on with an interrupted run" }
  ])
)
