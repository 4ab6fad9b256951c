import { Console, Effect, Option, Path } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { openInBrowser } from "../layers/pages/openInBrowser.ts"
import type { Report } from "../metrics/Report.ts"
import { Checkpoints } from "../model/Checkpoints.ts"
import { EngineName } from "../model/EngineConfig.ts"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import type { RunConfig } from "../config/RunConfig.ts"
import { configuredEngine } from "../run/train/RunEngine.ts"
import type { RunEngine } from "../run/train/RunEngine.ts"
import { finishedRun, trainRun } from "../run/train/trainRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import type { RunLogger } from "../run/RunLogger.ts"
import { RunLoggers } from "../run/RunLogger.ts"
import { Runs } from "../run/Runs.ts"
import { newestRun, nothingToResume, unfinished } from "./latestRun.ts"
import { newConfig } from "./newConfig.ts"
import { checkApart } from "./checkApart.ts"
import { newFolder } from "./newFolder.ts"
import { openPage } from "./openPage.ts"
import * as options from "./options.ts"
import * as plain from "./plainFlags.ts"
import { shellWord } from "./shellWord.ts"
import { reportText } from "./summary.ts"
import { formerOf, goingOn } from "./trainLonger.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  path: Argument.String("path").pipe(
    Argument.withDescription(
      "A catalogue to look at and to train on with defaults: a folder of class folders, or a CSV, JSON lines or Parquet file, or the folder of one"
    ),
    Argument.optional
  ),
  data: plain.data,
  label: plain.label,
  epochs: plain.epochs,
  size: plain.size,
  network: plain.network,
  config: Flag.optional(options.config),
  set: options.set,
  run: options.run.pipe(Flag.withDescription("The run's folder; runs/<time>-<name> where left out"), Flag.optional),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription(
      "Goes on with the run in --run, or with the newest interrupted one, from its last checkpoint and with its own configuration; with --epochs or --set train.epochs=N, a finished run is trained longer"
    ),
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
  open: Flag.Boolean("open").pipe(
    Flag.withDescription("Opens the report in the browser when the run is finished"),
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

const note = (line: string) => report({ _tag: "Note", line })

/** The run that goes on: the one that is named, or the newest that was interrupted and at which nobody is at work. */
const resumed = Effect.fnUntraced(function* (named: Option.Option<string>, sets: ReadonlyArray<string>) {
  const runs = yield* Runs
  if (Option.isSome(named)) return named.value
  // Trained longer can be a finished one too.
  if (sets.some((one) => one.startsWith("train.epochs="))) return (yield* newestRun) ?? (yield* nothingToResume("run"))
  for (const path of yield* unfinished("config.json", "report.json")) {
    const isFree = yield* Effect.scoped(runs.hold(path, "refuse")).pipe(
      Effect.as(true),
      Effect.catchTag("RunFolderError", ({ reason }) => Effect.succeed(reason !== "busy"))
    )
    if (!isFree) continue
    yield* note(`run ${path}, the newest that was interrupted`)
    return path
  }
  return yield* nothingToResume("run")
})

/** Trains, and says how to go on where it is interrupted. */
const trainHere = Effect.fnUntraced(function* (
  path: string,
  config: RunConfig,
  engine: RunEngine | undefined,
  watch: boolean,
  former?: string
) {
  const { checkpoints, folder } = yield* Runs.use((runs) => runs.open(path, config.train.checkpoint.keep))
  return yield* trainRun(config, engine, former).pipe(
    Effect.provideService(RunFolder, folder),
    Effect.provideService(Checkpoints, checkpoints),
    Effect.provideService(RunLoggers, [...(yield* RunLoggers), ...(watch ? [yield* watching] : [])]),
    Effect.onInterrupt(() =>
      Effect.gen(function* () {
        const isBegun = yield* folder.has("config.json")
        const command = isBegun ? weftCommand(`train --run ${shellWord(path)} --resume`) : "the same command again"
        yield* Console.error(`\nInterrupted. To go on: ${command}`)
      })
    )
  )
})

/** Trains a network, and writes a folder with the model and its report. */
export const train = Command.make(
  "train",
  flags,
  Effect.fnUntraced(function* ({
    config: file,
    engine,
    json,
    open,
    path: argument,
    resume,
    run: dir,
    set,
    watch,
    ...values
  }) {
    const runs = yield* Runs
    const { resolve } = yield* Path.Path
    const given = plain.given(values)
    const finish = Effect.fnUntraced(function* (finished: Report, path: string) {
      yield* Console.log(json ? JSON.stringify(finished, null, 2) : reportText(finished, path))
      if (open) yield* openPage(resolve(path, "report.html"))
    })
    if (!resume) {
      if (Option.isSome(engine))
        return yield* new ConfigError({
          where: "--engine",
          problems: ["goes with --resume; a new run's engine is set with --set engine.name=NAME"]
        })
      const { config, lines } = yield* newConfig({ path: argument, file, values, sets: set })
      yield* Effect.forEach(lines, note, { discard: true })
      const path = Option.getOrElse(dir, () => undefined) ?? (yield* newFolder(config.name))
      yield* checkApart(path, [config])
      const { folder } = yield* runs.open(path, config.train.checkpoint.keep)
      yield* runs.hold(path, "refuse")
      yield* checkFree(folder)
      yield* note(`run ${path}`)
      // What an earlier start left in the folder does not count.
      return yield* finish(
        yield* trainHere(path, config, configuredEngine(config), watch).pipe(plain.namingFlags(given)),
        path
      )
    }
    const others = given.filter(({ name }) => name !== "--epochs").map(({ text }) => text)
    const foreign = [
      ...Option.toArray(argument),
      ...Option.toArray(Option.map(file, (file) => `--config ${file}`)),
      ...others
    ]
    if (foreign.length > 0)
      return yield* new ConfigError({
        where: `--resume ${foreign.join(" ")}`,
        problems: ["a run goes on with the configuration that it began with; only --epochs and a few keys can change"]
      })
    yield* plain.refuseContradictions(given, set)
    const sets = [...plain.setsOf(given), ...set]
    const path = yield* resumed(dir, sets)
    const { before, config } = yield* goingOn(path, sets).pipe(plain.namingFlags(given))
    const { folder } = yield* runs.open(path, config.train.checkpoint.keep)
    const former = yield* formerOf(path, folder, before, config).pipe(plain.namingFlags(given))
    if (former === undefined) {
      const finished = yield* Effect.provideService(finishedRun(config), RunFolder, folder)
      if (finished !== undefined) return yield* finish(finished, path)
    }
    yield* runs.hold(path, "refuse")
    yield* note(`run ${path}`)
    yield* finish(
      yield* trainHere(path, config, otherEngine(engine), watch, former).pipe(plain.namingFlags(given)),
      path
    )
  }, Effect.scoped)
).pipe(
  Command.withDescription("Trains a network on a catalogue, and writes a folder with the model and its report"),
  Command.withExamples([
    { command: weftCommand("train"), description: "Train on the sample catalogue that Weft draws" },
    { command: weftCommand("train photos/"), description: "Train on a folder of photos, a folder for each class" },
    {
      command: weftCommand("train shop/products.csv --label category --epochs 10 --open"),
      description: "Train on a list of photos, and look at the report"
    },
    {
      command: weftCommand("train --config configs/fashion/simple-cnn.toml --data /data/fashion"),
      description: "Train as a configuration says"
    },
    { command: weftCommand("train --resume"), description: "Go on with the newest interrupted run" },
    {
      command: weftCommand("train --resume --run runs/first --epochs 20"),
      description: "Train a finished run longer"
    }
  ])
)
