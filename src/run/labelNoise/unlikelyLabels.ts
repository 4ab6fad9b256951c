import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { LabelError } from "../../metrics/labelErrors.ts"
import { calibratedLabelErrors } from "../../metrics/labelErrors.ts"
import { predictions } from "../../metrics/topK.ts"
import { outOfFold } from "../../model/baseline/outOfFold.ts"
import type { Folded } from "../../model/baseline/outOfFold.ts"
import { strengths } from "../../model/baseline/logistic.ts"
import { rowsFrom } from "../../model/baseline/Products.ts"
import type { Matrix } from "../../model/baseline/Products.ts"
import { cacheUntilBroken } from "../../model/cacheUntilBroken.ts"
import { FeatureCache } from "../../model/FeatureCache.ts"
import type { FeatureSpace } from "../../model/FeatureSpace.ts"
import { featureKey } from "../../model/FeatureSpace.ts"
import { canonical } from "../../pipeline/canonical.ts"
import type { Dataset } from "../../pipeline/Dataset.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { foldsOf } from "../../pipeline/folds.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import { report } from "../../pipeline/Progress.ts"
import { imageFrom } from "../../pipeline/Rows.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { sha256 } from "../../pipeline/sha256.ts"
import { Machine } from "../Machine.ts"
import type { Embedding } from "../similar/embed.ts"
import { embedSamples, openEmbedding } from "../similar/embed.ts"
import type { ColumnNoise, UnlikelyLabel } from "./LabelNoise.ts"
import { LabelNoiseError } from "./LabelNoiseError.ts"

/** The training rows of a label column that are judged, each with its class and fold. */
export interface JudgedRow {
  readonly id: string
  /** Index into the column's classes. */
  readonly label: number
  /** From 0. */
  readonly fold: number
}

/** A sample's class in a label column with one value; undefined where it is not known. */
const classIn = ({ label, labels }: Sample, column: number): number | undefined =>
  labels === undefined ? label : labels[column]?.[0]

/**
 * The rows of a label column in folds, and how many of its rows have a class. Every group of `groups` is in one fold.
 *
 * A class with fewer groups than there are folds is left out: with so few, the other folds say little of it. So is one whose
 * rows are all in one fold.
 */
export const foldedRows = (
  samples: ReadonlyArray<Sample>,
  column: number,
  folds: number,
  seed: number,
  groups: ReadonlyMap<string, string> = new Map()
): { readonly rows: ReadonlyArray<JudgedRow>; readonly known: number } => {
  const known = samples.flatMap((sample) => {
    const label = classIn(sample, column)
    return label === undefined || label < 0 ? [] : [{ id: sample.id, label }]
  })
  const groupsIn = Map.groupBy(known, ({ label }) => label)
  const isLarge = ({ label }: { readonly label: number }) =>
    new Set(groupsIn.get(label)?.map(({ id }) => groups.get(id) ?? `id ${id}`)).size >= folds
  const rows = foldsOf(known.filter(isLarge), folds, seed, groups).flatMap((some, fold) =>
    some.map((one) => ({ ...one, fold }))
  )
  const foldsIn = new Map<number, Set<number>>()
  for (const { fold, label } of rows) foldsIn.set(label, (foldsIn.get(label) ?? new Set()).add(fold))
  return { rows: rows.filter(({ label }) => (foldsIn.get(label)?.size ?? 0) > 1), known: known.length }
}

/** Features of samples by their ids. */
interface Known {
  readonly features: Matrix
  readonly rowOf: ReadonlyMap<string, number>
}

/** The features of rows, with their classes counted from 0 without gaps, and folds counted from 0 without gaps. */
const foldedOf = (
  rows: ReadonlyArray<JudgedRow>,
  classes: ReadonlyArray<number>,
  { features, rowOf }: Known
): Folded => {
  const { columns } = features
  const data = new Float32Array(rows.length * columns)
  for (const [at, { id }] of rows.entries()) {
    const row = rowOf.get(id) ?? 0 // rows without features are left out before
    data.set(rowsFrom(features, row, row + 1).data, at * columns)
  }
  const used = [...new Set(rows.map(({ fold }) => fold))].sort((a, b) => a - b)
  return {
    features: { rows: rows.length, columns, data },
    labels: Int32Array.from(rows, ({ label }) => classes.indexOf(label)),
    folds: Int32Array.from(rows, ({ fold }) => used.indexOf(fold))
  }
}

/** `outOfFold`, from the cache where it has them. They depend on the features, classes and folds, and on nothing else. */
const cachedOutOfFold = Effect.fn("labelNoise.outOfFold")(function* (
  folded: Folded,
  classes: number,
  samples: ReadonlyArray<Pick<Sample, "digest" | "id">>,
  isCached: boolean
) {
  if (!isCached) return yield* outOfFold(folded, classes)
  const { features, folds, labels } = folded
  const { versions } = yield* Machine
  const space: FeatureSpace = {
    digest: yield* sha256(
      canonical({
        outOfFold: 1,
        strengths,
        versions,
        features: yield* sha256(new Uint8Array(features.data.buffer as ArrayBuffer)), // made just now, not shared
        columns: features.columns,
        labels: Array.from(labels),
        folds: Array.from(folds)
      })
    ),
    length: classes,
    isPlain: false
  }
  const cache = yield* FeatureCache
  const trying = cacheUntilBroken((error) =>
    report({ _tag: "Note", line: `${error.message}. The run goes on without it.` })
  )
  const keys = yield* Effect.forEach(samples, ({ digest, id }) => featureKey(space, { image: digest, id }))
  const known = yield* trying(cache.read(space, keys))
  if (known?.missing.length === 0) return known.features
  const found = yield* outOfFold(folded, classes)
  yield* trying(cache.write(space, keys, found))
  return found
})

/** Judges the labels of one column. */
const judgeColumn = Effect.fn("labelNoise.column")(function* (
  { features, seed }: Pick<RunConfig, "features"> & { readonly seed: number },
  { groups, root, train }: Pick<Dataset, "groups" | "root" | "train">,
  column: LabelColumn,
  index: number,
  folds: number,
  known: Known
) {
  const folded = foldedRows(train, index, folds, seed, groups)
  const rows = folded.rows.filter(({ id }) => known.rowOf.has(id))
  const classes = [...new Set(rows.map(({ label }) => label))].sort((a, b) => a - b)
  if (classes.length < 2) return undefined
  const samples = new Map(train.map((sample) => [sample.id, sample]))
  const own = rows.flatMap(({ id }) => samples.get(id) ?? [])
  const judged = foldedOf(rows, classes, known)
  const logits = yield* cachedOutOfFold(judged, classes.length, own, features.cache)
  const { doubtful, errors, temperature } = calibratedLabelErrors({
    classes: classes.length,
    logits,
    labels: judged.labels
  })
  const nameOf = (label: number) => elementAt(column.classes, elementAt(classes, label))
  const right = predictions(logits, classes.length).reduce(
    (sum, label, row) => sum + (label === judged.labels[row] ? 1 : 0),
    0
  )
  const isKnown = new Set(train.flatMap((sample) => classIn(sample, index) ?? []))
  const noise: ColumnNoise = {
    name: column.name,
    rows: folded.known,
    judged: rows.length,
    classes: classes.length,
    small: column.classes.filter((_, label) => isKnown.has(label) && !classes.includes(label)),
    accuracy: right / rows.length,
    temperature,
    found: errors.length
  }
  const described = ({ label, probability, sample, selfConfidence, suggested }: LabelError): UnlikelyLabel => {
    const { digest, id, path } = elementAt(own, sample)
    return {
      id,
      file: imageFrom(root, path),
      digest,
      column: column.name,
      label: nameOf(label),
      predicted: nameOf(suggested),
      labelProbability: selfConfidence,
      predictedProbability: probability
    }
  }
  return { noise, errors: errors.map(described), doubtful: doubtful.map(described) }
})

/** What to do where a network has no trained weights. */
const needsWeights =
  "it needs frozen features of trained weights, and `network.weights` is not set: set it, such as " +
  "network.name=mobilenet-v2 and network.weights=hf:timm/mobilenetv2_100.ra_in1k"

/** Refuses a configuration whose labels cannot be judged, before its data are read. `where` asks for it. */
export const checkLabelNoise = Effect.fnUntraced(function* ({ data, network }: RunConfig, where: string) {
  if (network.weights === undefined)
    return yield* new LabelNoiseError({ where, reason: "weights", detail: needsWeights })
  if (labelColumnsOf(data).every(({ separator }) => separator !== undefined))
    return yield* new LabelNoiseError({
      where,
      reason: "columns",
      detail: "it is of label columns with one value in a cell, and there is none"
    })
})

/**
 * The training rows whose labels are likely wrong, of each label column with one value, the least probable label first; by
 * confident learning on predictions out of fold: each row is judged by a logistic regression on frozen features of the
 * other folds. Validation and test rows are not looked at. `doubtful` are further rows that are predicted as another class.
 *
 * Fails with a LabelNoiseError where no column has two classes that are large enough.
 */
export const unlikelyLabels = Effect.fn("unlikelyLabels")(function* (
  config: RunConfig,
  dataset: Dataset,
  model: Embedding,
  folds: number,
  where: string
) {
  const embedding = yield* openEmbedding(model).pipe(
    Effect.catchTag("RunError", ({ detail }) => Effect.fail(new LabelNoiseError({ where, reason: "weights", detail })))
  )
  const { features, ids } = yield* embedSamples(
    config,
    embedding,
    dataset.train,
    makeLosses(dataset, config.data),
    "training photos"
  )
  const known: Known = { features, rowOf: new Map(ids.map((id, row) => [id, row])) }
  const seed = config.data.split.seed ?? config.seed
  const found = yield* Effect.forEach(dataset.columns, (column, index) =>
    column.values === "several"
      ? Effect.succeed(undefined)
      : judgeColumn({ features: config.features, seed }, dataset, column, index, folds, known)
  )
  const judged = found.flatMap((one) => one ?? [])
  if (judged.length === 0)
    return yield* new LabelNoiseError({
      where,
      reason: "classes",
      detail:
        `of the ${count(dataset.train.length)} training photos, fewer than two classes have ${folds} photos or groups of photos, ` +
        `which ${folds} folds need: bring more photos of each class, or use fewer folds (two at least)`
    })
  return judged
}, Effect.scoped)
