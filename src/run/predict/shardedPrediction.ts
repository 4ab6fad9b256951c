import { Array as Arrays, Effect, Option, Result, Schema, Stream } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { ConfigError } from "../../config/RunConfig.ts"
import { EngineName } from "../../model/EngineConfig.ts"
import { FeaturesName } from "../../model/Features.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { mostBytes } from "../../pipeline/ImageConfig.ts"
import type { ImagePath } from "../../pipeline/ImageFiles.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"
import { Machine } from "../Machine.ts"
import type { RunFile, RunFolder } from "../RunFolder.ts"
import { RunFolderError } from "../RunFolder.ts"
import { Runs } from "../Runs.ts"
import { savedConfig } from "../savedConfig.ts"
import type { ThresholdRequest } from "./answerThreshold.ts"
import type { Prediction } from "./Prediction.ts"
import type { AnswerRequest, TakeFeatures } from "./predictFiles.ts"
import { NothingRead, openFilePredictor, readClassifier, refuseSeveral } from "./predictFiles.ts"
import { divideList, finishedHead, isRelative, listFile, readList, readShard, writeShard } from "./shardFiles.ts"
import type { ShardPredictor } from "./Shards.ts"

type Folder = RunFolder["Service"]

/** A file of the list as it was when the prediction began: a machine that has not the same is given no shards. */
const Probe = Schema.Struct({ path: Schema.String, digest: Schema.String })

const Threshold = Schema.Union([Schema.Struct({ value: Schema.Finite }), Schema.Struct({ accuracy: Schema.Finite })])

/** A prediction's `prediction.json`: all that decides its rows. Its lists, models and shards are beside it. */
export const ShardedPrediction = Schema.Struct({
  format: Schema.Literal("weft-prediction-1"),
  /** Names the prediction, on a cluster too. */
  key: Schema.String,
  weft: Schema.String,
  files: Schema.Natural,
  shards: Schema.Natural,
  /** Files of each shard but the last. It is a multiple of the batch size: batches are those of a prediction in one. */
  perShard: Schema.Natural,
  batchSize: Schema.Natural,
  /** Digest of the list, and of `root` where a path is relative. */
  list: Schema.String,
  /** The folder that relative paths are meant from. */
  root: Schema.String,
  probes: Schema.Array(Probe),
  /** Digest of each run's model and configuration, in their order. */
  runs: Schema.Array(Schema.String),
  top: Schema.Natural,
  threshold: Schema.NullOr(Threshold),
  engine: Schema.NullOr(Schema.Literals(["auto", ...FeaturesName.literals, ...EngineName.literals])),
  features: Schema.Boolean
})
export type ShardedPrediction = typeof ShardedPrediction.Type

const Text = Schema.fromJsonString(ShardedPrediction)

/** What is to be predicted, in shards. */
export interface ShardsRequest extends AnswerRequest {
  readonly runs: NonEmptyReadonlyArray<FinishedRun>
  readonly paths: Stream.Stream<ImagePath>
  /** The folder that relative paths are meant from. */
  readonly root: string
  /** About so many files a shard. */
  readonly perShard: number
  readonly features: boolean
}

/** The prediction of a folder; undefined where it has none yet. */
const readPrediction = Effect.fnUntraced(function* (folder: Folder) {
  if (!(yield* folder.has("prediction.json"))) return undefined
  return yield* Schema.decodeEffect(Text)(new TextDecoder().decode(yield* folder.read("prediction.json"))).pipe(
    Effect.mapError(
      ({ message }) =>
        new RunFolderError({
          path: `${folder.path}/prediction.json`,
          reason: "invalid",
          detail: `this is not a prediction's file of this version of Weft (${message}); name another folder`
        })
    )
  )
})

/** The files of a run that a prediction by it needs. */
const modelFiles: ReadonlyArray<RunFile> = [
  "model/model.safetensors",
  "model/backbone.onnx",
  // For a threshold that promises an accuracy.
  "predictions/validation.safetensors"
]

const filesOf = Effect.fnUntraced(function* ({ folder }: FinishedRun) {
  const files = yield* Effect.filter(modelFiles, (file) => folder.has(file))
  return yield* Effect.forEach(files, (file) =>
    // Copied, so that it is in memory of its own.
    Effect.map(folder.read(file), (bytes) => ({ file, bytes: new Uint8Array(bytes) }))
  )
})

const runDigest = Effect.fnUntraced(function* (run: FinishedRun) {
  const digests = yield* Effect.forEach(yield* filesOf(run), ({ bytes }) => sha256(bytes))
  return yield* sha256(canonical({ config: run.config, digests }))
})

const modelFolder = (folder: Folder, run: number) => `${folder.path}/models/${run}`

/** Copies what a prediction needs of a run, so that machines need nothing else, and a change of the run changes nothing. */
const copyRun = Effect.fnUntraced(function* (folder: Folder, run: FinishedRun, at: number) {
  const { folder: copy } = yield* Runs.use((runs) => runs.open(modelFolder(folder, at), 1))
  for (const { bytes, file } of yield* filesOf(run)) yield* copy.write(file, bytes)
  yield* copy.write("config.json", `${JSON.stringify(run.config, null, 2)}\n`)
})

const copiedRuns = Effect.fnUntraced(function* (folder: Folder, { runs }: ShardedPrediction) {
  const found = yield* Effect.forEach(
    runs,
    Effect.fnUntraced(function* (_, at) {
      const copy = yield* Runs.use((runs) => runs.existing(modelFolder(folder, at)))
      return { folder: copy, config: yield* savedConfig(copy) }
    })
  )
  if (Arrays.isReadonlyArrayNonEmpty(found)) return found
  return yield* new RunFolderError({ path: folder.path, reason: "invalid", detail: "its prediction names no run" })
})

/** A path as this machine reads it. */
const placed = (path: string, root: string) => (isRelative(path) ? `${root}/${path}` : path)

/** How many files are looked at on each machine, in as many shards; and how many of a shard are tried. */
const probed = { shards: 8, files: 3 } as const

const digestAt = Effect.fnUntraced(function* (path: string, most: number) {
  const bytes = yield* ImageBytes.use((images) => images.read(path, most))
  return yield* sha256(new Uint8Array(bytes))
})

/** The first file of a shard that can be read; none where the first few cannot. */
const probeOf = Effect.fnUntraced(function* (paths: ReadonlyArray<ImagePath>, root: string, most: number) {
  for (const one of paths.slice(0, probed.files)) {
    if (Result.isFailure(one)) continue
    const digest = yield* Effect.option(digestAt(placed(one.success, root), most))
    if (Option.isSome(digest)) return [{ path: one.success, digest: digest.value }]
  }
  return []
})

/** Photos are not where a machine looks for them, or are others. */
export class PhotosDiffer extends Schema.TaggedError<PhotosDiffer>()("PhotosDiffer", {
  path: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}; --data names the folder of this machine that relative paths are meant from`
  }
}

const checkProbes = ({ probes }: ShardedPrediction, root: string, most: number) =>
  Effect.forEach(
    probes,
    Effect.fnUntraced(function* ({ digest, path }) {
      const here = placed(path, root)
      const found = yield* Effect.mapError(
        digestAt(here, most),
        ({ detail }) => new PhotosDiffer({ path: here, detail: `this photo cannot be read here (${detail})` })
      )
      if (found !== digest)
        return yield* new PhotosDiffer({
          path: here,
          detail: "this photo has other bytes than when the prediction began"
        })
    }),
    { discard: true }
  )

/** What a prediction in a folder and the one that is asked for must have in common. */
type Comparable = Omit<ShardedPrediction, "format" | "key">

const describe = {
  weft: (before: Comparable, now: Comparable) => `Weft's version (${before.weft}, and now ${now.weft})`,
  list: (before: Comparable, now: Comparable) =>
    `the list of files (${before.files} files, and now ${now.files}${before.files === now.files ? " others, or in another order" : ""})`,
  runs: () => "the model or its settings (--run, --set)",
  top: (before: Comparable, now: Comparable) => `--top (${before.top}, and now ${now.top})`,
  threshold: () => "--threshold",
  engine: (before: Comparable, now: Comparable) =>
    `--engine (${before.engine ?? "left out"}, and now ${now.engine ?? "left out"})`,
  features: () => "--embeddings",
  perShard: (before: Comparable, now: Comparable) =>
    `--per-shard (${before.perShard}, and now ${now.perShard}: a multiple of the batch size)`
} as const

const compared = ["weft", "list", "runs", "top", "threshold", "engine", "features", "perShard"] as const

const thresholdOf = (request: ThresholdRequest | undefined): ShardedPrediction["threshold"] => request ?? null

/**
 * The prediction in a folder: begun, or found there, as far as it had come. `where` names the folder in errors.
 *
 * Fails with a ConfigError where the folder has the prediction of another list, model or request, which it names; with
 * NothingRead where the list is empty. A start that is killed leaves no prediction, and is made again.
 */
export const openShards = Effect.fn("openShards")(function* (folder: Folder, request: ShardsRequest, where: string) {
  const { features, paths, root, runs, top } = request
  if (features) yield* refuseSeveral(runs)
  const before = yield* readPrediction(folder)
  const { columns, ensemble } = yield* readClassifier(runs, request)
  const { batchSize } = ensemble.config.train
  const perShard = Math.ceil(request.perShard / batchSize) * batchSize
  const probes: Array<typeof Probe.Type> = []
  const most = mostBytes(ensemble.config.image)
  const list = yield* divideList(
    paths,
    perShard,
    Effect.fnUntraced(function* (shard, some, text) {
      if (before !== undefined) return
      if (shard < probed.shards) probes.push(...(yield* probeOf(some, root, most)))
      yield* folder.write(listFile(shard), text)
    })
  )
  if (list.files === 0) return yield* new NothingRead({ refused: 0 })
  const { versions } = yield* Machine
  const now: Comparable = {
    weft: versions["weft"] ?? "unknown",
    files: list.files,
    shards: list.shards,
    perShard,
    batchSize,
    list: yield* sha256(canonical([list.digest, list.isRelative ? root : null])),
    root,
    probes,
    runs: yield* Effect.forEach(runs, runDigest),
    top,
    threshold: thresholdOf(request.threshold),
    engine: request.engine ?? null,
    features
  }
  if (before !== undefined) {
    const other = compared.filter((key) => canonical(before[key]) !== canonical(now[key]))
    if (other.length === 0) return { prediction: before, columns, isNew: false }
    return yield* new ConfigError({
      where,
      problems: [
        `this folder has a prediction that differs in ${other.map((key) => describe[key](before, now)).join("; ")}. Give its command again to go on with it, name another folder, or remove this one`
      ]
    })
  }
  yield* Effect.forEach(runs, (run, at) => copyRun(folder, run, at))
  const key = (yield* sha256(canonical({ now, folder: folder.path }))).slice(0, 32)
  const prediction: ShardedPrediction = { format: "weft-prediction-1", key, ...now }
  yield* folder.write("prediction.json", `${yield* Effect.orDie(Schema.encodeEffect(Text)(prediction))}\n`)
  return { prediction, columns, isNew: true }
})
export type OpenedShards = Effect.Success<ReturnType<typeof openShards>>

/** The shards that are not finished, in their order, and what computed the others. */
export const unfinishedShards = Effect.fn("unfinishedShards")(function* (
  folder: Folder,
  { key, perShard, files, shards }: ShardedPrediction
) {
  const left: Array<number> = []
  let computes: string | undefined
  for (let shard = 0; shard < shards; shard++) {
    const head = yield* finishedHead(folder, key, shard)
    if (Option.isNone(head)) left.push(shard)
    else computes = head.value.computes
  }
  /** Files of a shard: the last may have fewer. */
  const filesOf = (shard: number) => Math.min(perShard, files - shard * perShard)
  return { left, computes, filesOf }
})

/**
 * Opens a prediction's models on this machine, until the Scope closes. `data`: where relative paths begin on this machine;
 * undefined: where they did when the prediction began.
 *
 * Fails with PhotosDiffer where this machine does not have its photos.
 */
export const openShardPredictor = Effect.fn("openShardPredictor")(function* (folder: Folder, data?: string) {
  const prediction = yield* readPrediction(folder)
  if (prediction === undefined)
    return yield* new RunFolderError({
      path: `${folder.path}/prediction.json`,
      reason: "missing",
      detail: "there is no prediction in this folder"
    })
  const root = data ?? prediction.root
  const { features, key, shards } = prediction
  const runs = yield* copiedRuns(folder, prediction)
  const most = mostBytes(runs[0].config.image)
  yield* checkProbes(prediction, root, most)
  const { computes, engine, predict } = yield* openFilePredictor(
    runs,
    {
      top: prediction.top,
      threshold: prediction.threshold ?? undefined,
      engine: prediction.engine ?? undefined
    },
    features
  )
  return {
    computes,
    shards,
    predict: Effect.fn("predictShard")(function* (shard: number, tell: (done: number) => Effect.Effect<void>) {
      const list = yield* readList(folder, shard)
      const own: Array<Float32Array> = []
      const take: TakeFeatures = (_, row) => Effect.sync(() => void own.push(row.slice()))
      const here = Stream.fromIterable(list).pipe(Stream.map(Result.map((path) => placed(path, root))))
      const rows: Array<Prediction> = []
      yield* Stream.runForEachArray(predict(here, features ? take : undefined), (some) => {
        rows.push(...some)
        return tell(rows.length)
      })
      // A folder that is gone meanwhile, as of a server, must not be taken for photos that are missing.
      if (rows.some((row) => "error" in row)) yield* checkProbes(prediction, root, most)
      // As they were listed: another machine may have them elsewhere.
      const named = rows.map((row, i): Prediction => {
        const one = list[i]
        return one !== undefined && Result.isSuccess(one) ? { ...row, path: one.success } : row
      })
      return yield* writeShard(folder, { prediction: key, shard, engine, computes }, named, features ? own : undefined)
    })
  } satisfies ShardPredictor<unknown, unknown>
})

/** The engine that predicted the first shard, for the head of the output. */
export const engineOf = (folder: Folder, { key, features }: ShardedPrediction) =>
  Effect.map(readShard(folder, key, 0, features), ({ head }) => head.engine)

/**
 * The predictions of all shards, in the list's order and in the batches that a prediction in one has; `take` gets the
 * features. In memory is one shard at a time.
 */
export const joinShards = (
  folder: Folder,
  { batchSize, key, features, shards }: ShardedPrediction,
  take?: TakeFeatures
) =>
  Stream.range(0, shards - 1).pipe(
    Stream.rechunk(1),
    Stream.mapEffect(
      Effect.fnUntraced(function* (shard) {
        const { features: featuresAt, rows } = yield* readShard(folder, key, shard, features)
        if (take !== undefined && featuresAt !== undefined) {
          let at = 0
          for (const row of rows) if (!("error" in row)) yield* take(row.path, featuresAt(at++))
        }
        return Arrays.chunksOf(rows, batchSize)
      })
    ),
    Stream.flattenIterable,
    Stream.rechunk(1),
    Stream.flattenIterable
  )
