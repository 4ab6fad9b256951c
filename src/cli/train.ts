import { Clock, Console, DateTime, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Checkpoints } from "../model/Checkpoints.ts"
import { report } from "../Progress.ts"
import { ConfigError } from "../RunConfig.ts"
import { trainRun } from "../run/trainRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { resumeWhich } from "./latestRun.ts"
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
  json: options.json
}

/** `runs/2026-01-31-235959-name`. */
const newFolder = Effect.fnUntraced(function* (name: string) {
  const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  return `runs/${now.slice(0, 19).replace("T", "-").replaceAll(":", "")}-${name}`
})

/** Trains a network, and leaves a folder with the model and its report. */
export const train = Command.make(
  "train",
  flags,
  Effect.fnUntraced(function* ({ config: file, json, resume, run: dir, set }) {
    const runs = yield* Runs
    if (resume && Option.isNone(dir)) return yield* yield* resumeWhich("train", "config.json", "report.json")
    if (resume && (Option.isSome(file) || set.length > 0))
      return yield* new ConfigError({
        where: "--resume",
        problems: ["goes with --run DIR alone: the configuration is the one that the run began with"]
      })
    const config = resume
      ? yield* readRunConfig(Option.getOrThrow(dir)) // seen above
      : yield* readConfig(
          Option.getOrElse(file, () => options.defaultConfig),
          set
        )
    const path = Option.getOrElse(dir, () => undefined) ?? (yield* newFolder(config.name))
    const { checkpoints, folder } = yield* runs.open(path, config.train.checkpoint.keep)
    if (!resume && (yield* folder.has("config.json")))
      return yield* new ConfigError({
        where: `--run ${path}`,
        problems: ["there is a run in this folder already; add --resume to go on with it, or name another folder"]
      })
    yield* report({ _tag: "Note", line: `run ${path}` })
    const finished = yield* trainRun(config).pipe(
      Effect.provideService(RunFolder, folder),
      Effect.provideService(Checkpoints, checkpoints),
      Effect.onInterrupt(() => Console.error(`\nInterrupted. To go on: npx pnpm pipeline:train --run ${path} --resume`))
    )
    yield* Console.log(json ? JSON.stringify(finished, null, 2) : reportText(finished, path))
  })
).pipe(
  Command.withDescription("Trains a network on a catalogue, and leaves a folder with the model and its report"),
  Command.withExamples([
    { command: "pnpm pipeline:train", description: "Train on the sample catalogue that Weft draws" },
    {
      command: "pnpm pipeline:train --config configs/fashion/simple-cnn.toml --set data.root=/data/fashion",
      description: "Train on a catalogue of your own"
    },
    { command: "pnpm pipeline:train --run runs/first --resume", description: "Go on with an interrupted run" }
  ])
)
