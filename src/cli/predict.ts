import { Console, Effect, Option, Stdio, Stream } from "effect"
import type { PlatformError } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ConfigError } from "../config/RunConfig.ts"
import type { ThresholdRequest } from "../run/predict/answerThreshold.ts"
import { visible } from "../layers/terminal/visible.ts"
import { NothingRead, predictFiles } from "../run/predict/predictFiles.ts"
import { embeddings, openEmbeddings } from "./embeddings.ts"
import { finishedRuns } from "./finishedRuns.ts"
import { namedPaths } from "./namedPaths.ts"
import * as options from "./options.ts"
import { predictionText, thresholdsText } from "./predictionText.ts"
import { weftCommand } from "../config/weftCommand.ts"

const requestOf = (text: string): Option.Option<ThresholdRequest> => {
  const [, auto, number] = /^(auto:)?(\d+(?:\.\d+)?|\.\d+)$/.exec(text) ?? []
  const share = Number(number)
  if (!(share >= 0 && share <= 1)) return Option.none()
  return Option.some(auto === undefined ? { value: share } : { accuracy: share })
}

const flags = {
  run: options.runs,
  top: options.howMany("top", "classes", 3).pipe(Flag.withDescription("How many classes for each image")),
  threshold: Flag.String("threshold").pipe(
    Flag.withMetavar("P"),
    Flag.withDescription(
      "Leaves an image open whose best class is less probable than P, from 0 to 1. auto:0.95: the smallest P whose answers are right in 95 % on photos like those of the validation part, with 95 % confidence"
    ),
    Flag.filterMap(requestOf, (text) => `expected a share from 0 to 1, or auto: before one, got ${text}`),
    Flag.optional
  ),
  format: Flag.Literals("format", ["table", "jsonl", "csv"]).pipe(
    Flag.withDescription(
      "table: for people; jsonl: a JSON document a line; csv: with a header, and an apostrophe before text that a spreadsheet would take for a formula"
    ),
    Flag.optional
  ),
  engine: options.predictor.pipe(
    Flag.withDescription("What applies the network; the run's where left out, and the quickest for auto"),
    Flag.optional
  ),
  embeddings,
  null: Flag.Boolean("null").pipe(
    Flag.withAlias("0"),
    Flag.withDescription("The names on standard input end with NUL, as find -print0 writes them"),
    Flag.withDefault(false)
  ),
  set: options.set.pipe(
    Flag.withDescription(
      "Changes one key that decides how the model is applied, such as image.maxPixels=200000000; may be repeated"
    )
  ),
  json: options.json,
  paths: Argument.String("path").pipe(
    Argument.withDescription("Image files, folders of them, patterns such as 'photos/**/*.jpg', or - for a list"),
    Argument.atLeast(1)
  )
}

/** Whether the reader of our output has closed it, as `| head` does. */
const isClosedPipe = ({ reason }: PlatformError.PlatformError) =>
  reason.cause instanceof Error && "code" in reason.cause && reason.cause.code === "EPIPE"

/** Classifies photos by a run's model, or by several together. */
export const predict = Command.make(
  "predict",
  flags,
  Effect.fnUntraced(function* ({ embeddings, engine, format, json, null: isNull, paths, run, set, threshold, top }) {
    if (json && Option.isSome(format))
      return yield* new ConfigError({
        where: "--json",
        problems: [`prints one JSON document, and --format ${format.value} another format: leave one out`]
      })
    const named = yield* namedPaths(paths, isNull)
    const runs = yield* finishedRuns("predict", run, set)
    const features = Option.isSome(embeddings) ? yield* openEmbeddings(embeddings.value) : undefined
    const opened = yield* predictFiles(runs, named, {
      top,
      ...(features !== undefined && { embeddings: features.take }),
      threshold: Option.getOrUndefined(threshold),
      engine: Option.getOrUndefined(engine)
    })
    const thresholds = thresholdsText(opened.columns)
    if (thresholds !== undefined) yield* Console.error(thresholds)

    let read = 0
    let refused = 0
    const counted = Stream.map(opened.predictions, (prediction) => {
      if ("error" in prediction) refused += 1
      else read += 1
      return prediction
    })
    const chosen = json ? "json" : Option.getOrElse(format, () => "table" as const)
    const written = features === undefined ? counted : Stream.tap(counted, () => features.write)
    const text = predictionText(written, chosen, {
      runs: runs.map(({ folder }) => folder.path),
      engine: opened.engine,
      columns: opened.columns,
      top: Math.min(top, Math.max(...opened.columns.map(({ classes }) => classes.length)))
    })
    const { stdout } = yield* Stdio.Stdio
    // CSV for a program keeps what only hides or turns text (see `textCell`); all other output shows it as escapes.
    const isShown = chosen !== "csv" || process.stdout.isTTY
    const isOpen = yield* Stream.run(isShown ? Stream.map(text, visible) : text, stdout({ endOnDone: false })).pipe(
      Effect.as(true),
      Effect.catchTag("PlatformError", (error) => (isClosedPipe(error) ? Effect.succeed(false) : Effect.fail(error)))
    )
    if (!isOpen) return
    if (features !== undefined && read > 0) yield* features.finish
    if (read === 0) return yield* new NothingRead({ refused })
    if (refused > 0) yield* Console.error(`${refused} of ${read + refused} could not be read; each has its reason.`)
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Classifies photos: prints the most probable classes of each, by a run's model. A file that cannot be read gets a line with the reason; exit code 3 where no file could be read"
  ),
  Command.withExamples([
    { command: weftCommand("predict photo.jpg"), description: "By the newest run" },
    { command: weftCommand("predict --run runs/first --top 5 --json photos/"), description: "A folder, as JSON" },
    {
      command: `find photos -name '*.jpg' -print0 | ${weftCommand("predict --format jsonl --null -")}`,
      description: "Any number of files, from a list"
    },
    {
      command: weftCommand("predict --threshold auto:0.95 'photos/**/*.jpg'"),
      description: "Answer only where it is sure enough"
    },
    {
      command: weftCommand("predict --run runs/first --run runs/second photos/"),
      description: "By two runs as one: the mean of their probabilities"
    }
  ])
)
