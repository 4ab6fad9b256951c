import { Console, Effect, Option, PlatformError, Schema, Stdio, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ConfigError } from "../config/RunConfig.ts"
import type { ThresholdRequest } from "../run/predict/answerThreshold.ts"
import { visible } from "../layers/terminal/visible.ts"
import type { Prediction } from "../run/predict/Prediction.ts"
import { NothingRead, predictFiles } from "../run/predict/predictFiles.ts"
import { chosenCluster, cluster, isClusterFlag } from "./clusterFlag.ts"
import type { EmbeddingsFile } from "./embeddings.ts"
import { embeddings, openEmbeddings } from "./embeddings.ts"
import { finishedRuns } from "./finishedRuns.ts"
import { namedPaths } from "./namedPaths.ts"
import * as options from "./options.ts"
import { predictInShards } from "./predictInShards.ts"
import type { Format, HeadingColumn } from "./predictionText.ts"
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
  shards: Flag.String("shards").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      "Predicts in shards that are kept in this folder, and prints all once the last is finished: the same command goes on with what was stopped or killed, and repeats no finished shard. With a cluster, a folder that all machines share"
    ),
    Flag.optional
  ),
  perShard: Flag.Int("per-shard").pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
    Flag.withDescription("Files of a shard, made a multiple of the batch size; 1000 where left out"),
    Flag.optional
  ),
  cluster: cluster.pipe(
    Flag.withDescription(
      "With --shards, leaves the shards to the workers that share this PostgreSQL, postgres://USER:PASSWORD@HOST/DATABASE; WEFT_CLUSTER where left out, which no list of processes shows"
    )
  ),
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

/** Refuses flags that have no meaning without `--shards`. WEFT_CLUSTER may be there for searches. */
const refuseWithoutShards = Effect.fnUntraced(function* (perShard: Option.Option<number>) {
  const without = isClusterFlag() ? "--cluster" : Option.isSome(perShard) ? "--per-shard" : undefined
  if (without === undefined) return
  return yield* new ConfigError({
    where: without,
    problems: [
      `goes with --shards DIR, the folder of the shards${without === "--cluster" ? ", on storage that all machines share" : ""}`
    ]
  })
})

/** Predictions, and what is known of all of them. */
interface Opened<E, R> {
  readonly columns: ReadonlyArray<HeadingColumn>
  readonly engine: string
  readonly predictions: Stream.Stream<Prediction, E, R>
}

/** Prints predictions on standard output, and writes their features. Fails with NothingRead where no file was read. */
const printed = Effect.fnUntraced(function* <E, R>(
  { columns, engine, predictions }: Opened<E, R>,
  options: {
    readonly format: Format
    readonly runs: ReadonlyArray<string>
    readonly top: number
    readonly features: EmbeddingsFile | undefined
  }
) {
  const { features, format, runs, top } = options
  const thresholds = thresholdsText(columns)
  if (thresholds !== undefined) yield* Console.error(thresholds)
  let read = 0
  let refused = 0
  const counted = Stream.map(predictions, (prediction) => {
    if ("error" in prediction) refused += 1
    else read += 1
    return prediction
  })
  const written = features === undefined ? counted : Stream.tap(counted, () => features.write)
  const text = predictionText(written, format, {
    runs,
    engine,
    columns,
    top: Math.min(top, Math.max(...columns.map(({ classes }) => classes.length)))
  })
  const { stdout } = yield* Stdio.Stdio
  // CSV for a program keeps what only hides or turns text (see `textCell`); all other output shows it as escapes.
  const isShown = format !== "csv" || process.stdout.isTTY
  const isOpen = yield* Stream.run(isShown ? Stream.map(text, visible) : text, stdout({ endOnDone: false })).pipe(
    Effect.as(true),
    Effect.catchIf(
      (error): error is Extract<typeof error, PlatformError.PlatformError> =>
        PlatformError.isPlatformError(error) && isClosedPipe(error),
      () => Effect.succeed(false)
    )
  )
  if (!isOpen) return
  if (features !== undefined && read > 0) yield* features.finish
  if (read === 0) return yield* new NothingRead({ refused })
  if (refused > 0) yield* Console.error(`${refused} of ${read + refused} could not be read; each has its reason.`)
})

/** Classifies photos by a run's model, or by several together. */
export const predict = Command.make(
  "predict",
  flags,
  Effect.fnUntraced(function* ({ cluster, embeddings, json, null: isNull, paths, perShard, shards, ...asked }) {
    const { engine, format, run, set, threshold, top } = asked
    if (json && Option.isSome(format))
      return yield* new ConfigError({
        where: "--json",
        problems: [`prints one JSON document, and --format ${format.value} another format: leave one out`]
      })
    if (Option.isNone(shards)) yield* refuseWithoutShards(perShard)
    const url = Option.isSome(shards) ? yield* chosenCluster(cluster) : Option.none()
    const named = yield* namedPaths(paths, isNull)
    const runs = yield* finishedRuns("predict", run, set)
    const features = Option.isSome(embeddings) ? yield* openEmbeddings(embeddings.value) : undefined
    const request = { top, threshold: Option.getOrUndefined(threshold), engine: Option.getOrUndefined(engine) }
    const print = <E, R>(opened: Opened<E, R>) =>
      printed(opened, {
        format: json ? "json" : Option.getOrElse(format, () => "table" as const),
        runs: runs.map(({ folder }) => folder.path),
        top,
        features
      })
    if (Option.isNone(shards))
      return yield* print(
        yield* predictFiles(runs, named, { ...request, ...(features && { embeddings: features.take }) })
      )
    const shared = { ...request, runs, paths: named, features: features !== undefined }
    const inShards = { ...shared, perShard: Option.getOrElse(perShard, () => 1000) }
    const opened = yield* predictInShards(shards.value, inShards, url, features?.take ?? (() => Effect.void))
    return yield* Effect.tapErrorTag(print(opened), "NothingRead", () => opened.forget)
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
      command: weftCommand("predict --shards answers --format csv photos/ > answers.csv"),
      description: "So many that it may have to be stopped: the same command goes on"
    },
    {
      command: `WEFT_CLUSTER=postgres://weft:…@db/weft ${weftCommand("predict --shards /mnt/shared/work/answers --format csv /mnt/photos > answers.csv")}`,
      description: "Leave the work to a cluster's workers"
    },
    {
      command: weftCommand("predict --run runs/first --run runs/second photos/"),
      description: "By two runs as one: the mean of their probabilities"
    }
  ])
)
