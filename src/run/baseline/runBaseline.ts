import { Clock, Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { ConfigError } from "../../config/RunConfig.ts"
import { rowsFrom } from "../../model/baseline/Products.ts"
import { networkFor } from "../../model/networks.ts"
import { startBackbone } from "../../model/startBackbone.ts"
import { startWeights } from "../../model/startWeights.ts"
import { ledgerCounts, sumText } from "../../pipeline/Ledger.ts"
import { makeLosses } from "../../pipeline/Losses.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { LabelColumn } from "../../pipeline/LabelColumn.ts"
import { classesText } from "../../pipeline/LabelColumn.ts"
import { report } from "../../pipeline/Progress.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import type { Embedded } from "../similar/embed.ts"
import { embedSamples, openEmbedding } from "../similar/embed.ts"
import { completeConfig } from "../train/completeConfig.ts"
import { trainingData } from "../train/trainingData.ts"
import type { Baseline } from "./measureBaseline.ts"
import { measureBaseline } from "./measureBaseline.ts"

const noColumn = () =>
  new ConfigError({
    where: "data.columns.label",
    problems: [
      "a baseline is of label columns with one value in a cell, and there is none: name one, such as --label articleType"
    ]
  })

/** A part's features, and the samples that they are of. */
interface Part {
  readonly embedded: Embedded
  readonly samples: ReadonlyMap<string, Sample>
}

/** The rows of a part whose class in a label column is known, with it. */
const ofColumn = ({ embedded: { features, ids }, samples }: Part, column: number): Embedded => {
  const labels = Int32Array.from(ids, (id) => {
    const sample = samples.get(id)
    return (sample?.labels === undefined ? sample?.label : sample.labels[column]?.[0]) ?? -1
  })
  if (!labels.includes(-1)) return { features, ids, labels }
  const known = ids.flatMap((id, row) => (labels[row] === -1 ? [] : [{ id, row }]))
  const { columns } = features
  const data = new Float32Array(known.length * columns)
  for (const [at, { row }] of known.entries()) data.set(rowsFrom(features, row, row + 1).data, at * columns)
  return {
    features: { rows: known.length, columns, data },
    ids: known.map(({ id }) => id),
    labels: labels.filter((label) => label !== -1)
  }
}

/** What was measured in one label column, and on how many images. */
export interface ColumnBaseline extends Baseline {
  readonly classes: number
  readonly train: number
  readonly validation: number
  readonly test: number
}

/**
 * A baseline on a configuration's catalogue: features by its network's trained weights, computed once and cached, and two
 * classifiers of them for each label column with one value in a cell. Nothing is trained but these, and no run is left.
 *
 * What is measured in the first of these columns stands by itself, and that of each in `columns`, where there are several.
 */
export const runBaseline = Effect.fn("runBaseline")(function* (configured: RunConfig) {
  if (configured.network.weights === undefined)
    return yield* new ConfigError({
      where: "network.weights",
      problems: [
        "a baseline needs trained weights, and none are set: add --set network.weights=hf:timm/mobilenetv2_100.ra_in1k, which fetches MobileNetV2's (14 MB), or those of the configuration's network"
      ]
    })
  if (labelColumnsOf(configured.data).every(({ separator }) => separator !== undefined)) return yield* noColumn()
  const begun = yield* Clock.currentTimeNanos
  const config = yield* completeConfig(configured)
  const dataset = yield* trainingData(config)
  const { ledger, test, train, validation } = dataset
  yield* report({
    _tag: "Note",
    line:
      `${sumText(ledgerCounts(ledger))}; ${classesText(dataset.columns)}: ` +
      `${train.length} to look at, ${validation.length} to choose by, ${test.length} to test`
  })
  const network = yield* networkFor(config.network, { ...config.image, classes: dataset.classes.length })
  const weights = yield* startWeights(
    network,
    config.seed,
    config.network.weights,
    dataset.columns,
    config.network.positions
  )
  const backbone = yield* startBackbone(config.network, config.image)
  const embedding = yield* openEmbedding({ network, weights, backbone })
  yield* report({ _tag: "Note", line: `features by ${embedding.opened.key}` })
  const losses = makeLosses(dataset, config.data)
  const embed = Effect.fnUntraced(function* (part: "train" | "validation" | "test") {
    const samples = dataset[part]
    return {
      embedded: yield* embedSamples(config, embedding, samples, losses, part),
      samples: new Map(samples.map((sample) => [sample.id, sample]))
    } satisfies Part
  })
  const parts = { train: yield* embed("train"), validation: yield* embed("validation"), test: yield* embed("test") }
  const embedded = yield* Clock.currentTimeNanos
  const measured: Array<readonly [column: LabelColumn, found: ColumnBaseline]> = []
  for (const [index, column] of dataset.columns.entries()) {
    if (column.values === "several") {
      yield* report({
        _tag: "Note",
        line: `${JSON.stringify(column.name)} has several values in a cell, and is left out: a baseline is of columns with one`
      })
      continue
    }
    const own = {
      train: ofColumn(parts.train, index),
      validation: ofColumn(parts.validation, index),
      test: ofColumn(parts.test, index)
    }
    const found = yield* measureBaseline({ classes: column.classes, ...own })
    measured.push([
      column,
      {
        classes: column.classes.length,
        train: own.train.ids.length,
        validation: own.validation.ids.length,
        test: own.test.ids.length,
        ...found
      }
    ])
  }
  const end = yield* Clock.currentTimeNanos
  const [first] = measured
  if (first === undefined) return yield* noColumn()
  const { classes, test: tested, train: trained, validation: validated, ...found } = first[1]
  return {
    network: network.name,
    weights: config.network.weights,
    data: { ...ledgerCounts(ledger), classes, train: trained, validation: validated, test: tested },
    ...found,
    ...(dataset.columns.length > 1 && {
      columns: Object.fromEntries(measured.map(([{ name }, found]) => [name, found]))
    }),
    /** Of reading the catalogue and computing features, and of the classifiers. */
    featureSeconds: Number(embedded - begun) / 1e9,
    seconds: Number(end - embedded) / 1e9
  }
}, Effect.scoped)
export type BaselineResult = Effect.Success<ReturnType<typeof runBaseline>>
