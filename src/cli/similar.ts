import { Console, Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ConfigError } from "../config/RunConfig.ts"
import { nearest as nearestName } from "../config/nearest.ts"
import { weftCommand } from "../config/weftCommand.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import { NothingRead } from "../run/predict/predictFiles.ts"
import { readModel } from "../run/readModel.ts"
import { Runs } from "../run/Runs.ts"
import type { Similar } from "../run/similar/Neighbours.ts"
import { Neighbours, openNeighbours, similarFiles } from "../run/similar/Neighbours.ts"
import { runOr } from "./latestRun.ts"
import { namedPaths } from "./namedPaths.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"
import { table } from "./text.ts"

const textOf = (one: Similar): string =>
  "error" in one
    ? `${visibleLine(one.path)}: ${one.error}`
    : `${visibleLine(one.path)}\n${table([
        ["similarity", "class", "photo"],
        ...one.similar.map(({ file, label, similarity }) => [
          similarity.toFixed(3),
          visibleLine(label),
          visibleLine(file)
        ])
      ])}`

/** Shows the training photos of a run that are most like a photo. */
export const similar = Command.make(
  "similar",
  {
    run: options.run.pipe(
      Flag.withDescription("The run's folder; the newest finished one under runs/ where left out"),
      Flag.optional
    ),
    count: options.howMany("count", "photos", 5).pipe(Flag.withDescription("How many photos")),
    label: Flag.String("label").pipe(Flag.withDescription("Only photos of this class"), Flag.optional),
    json: options.json,
    paths: Argument.String("path").pipe(
      Argument.withDescription("Image files, folders of them, or patterns such as 'photos/**/*.jpg'"),
      Argument.atLeast(1)
    )
  },
  Effect.fnUntraced(function* ({ count, json, label, paths, run }) {
    const path = yield* runOr(run)
    const config = yield* readRunConfig(path)
    const folder = yield* Runs.use((runs) => runs.existing(path))
    const model = yield* readModel(folder)
    const class_ = Option.getOrUndefined(label)
    if (class_ !== undefined && !model.labels.includes(class_)) {
      const meant = nearestName(class_, model.labels)
      return yield* new ConfigError({
        where: `--label ${class_}`,
        problems: [`${path} has no such class${meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`}`]
      })
    }
    const named = yield* namedPaths(paths, false)
    const neighbours = yield* openNeighbours(config, folder, model)
    const image = { ...model.image, maxPixels: config.image.maxPixels }
    const found = yield* Stream.runCollect(similarFiles({ ...config, image }, named, { count, label: class_ })).pipe(
      Effect.provideService(Neighbours, neighbours)
    )
    yield* Console.log(
      json
        ? JSON.stringify({ run: path, photos: neighbours.photos, files: found }, null, 2)
        : found.map(textOf).join("\n\n")
    )
    const refused = found.filter((one) => "error" in one).length
    if (refused === found.length) return yield* new NothingRead({ refused })
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Shows the training photos that are most like a photo, in the eyes of a run's model: by the features that its head gets"
  ),
  Command.withExamples([
    { command: weftCommand("similar photo.jpg"), description: "By the newest run" },
    {
      command: weftCommand("similar --run runs/first --label Shirts --count 10 photo.jpg"),
      description: "The ten shirts that are most like it"
    }
  ])
)
