import { Console, Effect, FileSystem, Path, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { percent } from "../figures.ts"
import { ConfigError } from "../RunConfig.ts"
import type { Prediction } from "../run/predictFiles.ts"
import { predictFiles } from "../run/predictFiles.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { runOr } from "./latestRun.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"

const flags = {
  run: options.run.pipe(
    Flag.withDescription("The run's folder; the newest finished one under runs/ where left out"),
    Flag.optional
  ),
  top: Flag.Int("top").pipe(
    Flag.withAlias("k"),
    Flag.withDescription("How many classes for each image"),
    Flag.withDefault(3),
    Flag.filter(
      (k) => k >= 1,
      (k) => `expected 1 or more classes, got ${k}`
    )
  ),
  set: options.set,
  json: options.json,
  paths: Argument.String("path").pipe(Argument.withDescription("Image files, and folders of them"), Argument.atLeast(1))
}

const isImage = (name: string) => /\.(jpe?g|png|webp|gif|tiff?|avif)$/i.test(name)

/** A folder stands for the images in it and below; a file for itself, whatever its name. */
const expand = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const info = yield* Effect.option(fs.stat(path))
  if (info._tag === "None" || info.value.type !== "Directory") return [path]
  const names = yield* fs
    .readDirectory(path, { recursive: true })
    .pipe(
      Effect.mapError(
        (error) => new ConfigError({ where: path, problems: [`the folder cannot be read: ${error.message}`] })
      )
    )
  const images = names.filter(isImage).sort()
  if (images.length === 0)
    return yield* new ConfigError({ where: path, problems: ["there are no images in this folder"] })
  return images.map((name) => join(path, name))
})

const lineOf = (prediction: Prediction, width: number) =>
  "error" in prediction
    ? `${prediction.path.padEnd(width)}  ! ${prediction.error}`
    : `${prediction.path.padEnd(width)}  ${prediction.classes
        .map(({ label, probability }) => `${label} ${percent(probability)}`)
        .join(", ")}`

/** Says what is on photos, by a run's model. */
export const predict = Command.make(
  "predict",
  flags,
  Effect.fnUntraced(function* ({ json, paths, run, set, top }) {
    const path = yield* runOr(run)
    const config = yield* readRunConfig(path, set)
    const folder = yield* Runs.use((runs) => runs.existing(path))
    const files = (yield* Effect.forEach(paths, expand)).flat()
    const predictions = predictFiles(config, files, top).pipe(Stream.provideService(RunFolder, folder))
    if (json) {
      const all = yield* Effect.scoped(Stream.runCollect(predictions))
      return yield* Console.log(JSON.stringify({ run: path, predictions: all }, null, 2))
    }
    const width = Math.min(60, Math.max(...files.map((file) => file.length)))
    yield* Effect.scoped(Stream.runForEach(predictions, (prediction) => Console.log(lineOf(prediction, width))))
  })
).pipe(
  Command.withDescription("Says what is on photos: the most probable classes of each, by a run's model"),
  Command.withExamples([
    { command: "pnpm pipeline:predict photo.jpg", description: "By the newest run" },
    { command: "pnpm pipeline:predict --run runs/first --top 5 --json photos/", description: "A folder, as JSON" }
  ])
)
