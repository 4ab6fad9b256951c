import { Array as Arrays, Effect } from "effect"
import { pairedDifference } from "../../metrics/pairedDifference.ts"
import { predictedClasses } from "../../metrics/multilabel.ts"
import { predictions } from "../../metrics/topK.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { batchFor, inBatches } from "../../model/export/batchFor.ts"
import type { Held } from "../../model/export/batchFor.ts"
import { graphOutputs } from "../../model/export/exportOutputs.ts"
import type { GraphOutput } from "../../model/export/exportOutputs.ts"
import { ExportReaders } from "../../model/export/ExportReaders.ts"
import type { ReadRequest } from "../../model/export/ExportReaders.ts"
import type { ExportFile, GraphFormat } from "../../model/export/Format.ts"
import type { ExportPlan, GraphFormatName } from "../../model/export/formats.ts"
import type { Precision, PrecisionLoss } from "../../model/export/Precision.ts"
import { modelColumns } from "../../model/Model.ts"
import type { Model } from "../../model/Model.ts"
import type { Range } from "../../model/onnx/quantise.ts"
import { fixedBatch } from "../../model/shapes.ts"
import { keyOf } from "../../pipeline/draw.ts"
import { Images } from "../../pipeline/Images.ts"
import type { KnownClasses } from "../../pipeline/LabelColumn.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { Sample } from "../../pipeline/Sample.ts"
import { RunFolder } from "../RunFolder.ts"
import { forMeasuring, readBegunData } from "../train/begunData.ts"
import type { Draft } from "./Exports.ts"
import { ExportError, Exports } from "./Exports.ts"

/** Images of the training part from which ranges are taken. */
const calibrationImages = 256

/** The most images of the validation part on which the loss is measured. */
const mostMeasured = 2000

/** Images at once in a measurement, where the graph takes any number. */
const batchSize = 16

/** Bytes of images that are in memory at once; four times as many go to the process that reads them. */
const mostBytes = 24e6

/** The run's training and validation samples; its labels are those of the model. */
export const samplesFor = Effect.fn("export.samples")(function* (config: RunConfig, model: Model) {
  const failed = (where: string, detail: string) => new ExportError({ where, reason: "catalogue", detail })
  const folder = yield* RunFolder
  const begun = yield* readBegunData(folder, config)
  const { columns, train, validation } = yield* Pipeline.dataset(config, begun && forMeasuring(begun)).pipe(
    Effect.mapError(({ message }) =>
      failed(
        folder.path,
        `a lower precision is written only where its loss of accuracy can be measured, and the catalogue cannot be read: ${message}`
      )
    )
  )
  const classes = (all: ReadonlyArray<{ readonly classes: ReadonlyArray<string> }>) =>
    JSON.stringify(all.map(({ classes }) => classes))
  if (classes(columns) !== classes(modelColumns(model)))
    return yield* failed(
      folder.path,
      "the catalogue no longer has the classes that this model was trained on, so that its accuracy cannot be measured: bring the catalogue back as it was, or keep fp32"
    )
  if (validation.length === 0)
    return yield* failed(
      folder.path,
      "the loss of accuracy is measured on the validation part, and the run has none: keep fp32"
    )
  return { train, validation }
})

/** Some of the samples, the same ones for a seed, in whatever order they come. */
const some = (samples: ReadonlyArray<Sample>, count: number, ...key: ReadonlyArray<string | number>) =>
  samples.length <= count
    ? samples
    : samples
        .map((sample) => ({ sample, key: keyOf(...key, sample.id) }))
        .sort((a, b) => a.key - b.key || (a.sample.id < b.sample.id ? -1 : 1))
        .slice(0, count)
        .map(({ sample }) => sample)

/** Samples whose image could be read, and these images. */
interface Loaded {
  readonly samples: ReadonlyArray<Sample>
  readonly held: Held
}

/** Reads samples' images; those that cannot be read any more are left out. */
const load = Effect.fnUntraced(function* (model: Model, samples: ReadonlyArray<Sample>) {
  const images = yield* Images
  const { height, width } = model.network
  const loaded = yield* Effect.forEach(
    samples,
    (sample) =>
      Effect.option(Effect.map(images.load(sample.path, model.image, sample), ({ data }) => ({ sample, data }))),
    { concurrency: 4 }
  )
  const read = Arrays.getSomes(loaded)
  const pixels = height * width * 3
  const bytes = new Uint8Array(read.length * pixels)
  for (const [i, { data }] of read.entries()) bytes.set(data, i * pixels)
  const found: Loaded = { samples: read.map(({ sample }) => sample), held: { bytes, size: read.length, height, width } }
  return found
})

/** Samples in groups whose images are in memory together: at least two, so that graphs are measured in turn. */
const groups = ({ network }: Model, samples: ReadonlyArray<Sample>) => {
  const most = Math.max(1, Math.floor(mostBytes / (network.height * network.width * 3 * batchSize))) * batchSize
  const half = Math.ceil(samples.length / 2 / batchSize) * batchSize
  return Arrays.chunksOf(samples, Math.max(1, Math.min(most, half)))
}

/** Runs a graph; fails where nothing on this machine can. */
const run = Effect.fnUntraced(function* (request: ReadRequest, what: string) {
  const read = yield* ExportReaders.use((readers) => readers.read(request))
  if (read._tag === "Read") return read
  return yield* new ExportError({
    where: `--format ${request.format}`,
    reason: "unmeasured",
    detail: `${what} needs a library that runs the export: ${read.reason}`
  })
})

/** Graphs of one format that a run is exported as, and what they are given. */
interface Graphs {
  readonly plan: ExportPlan
  readonly format: GraphFormat<GraphFormatName>
  readonly target: string
}

/** What each value is between, over all images. */
const rangesOf = (values: ReadonlyArray<string>, images: ReadonlyArray<ReadonlyArray<Float32Array>>) =>
  new Map(
    values.map((value, i): readonly [string, Range] => {
      const numbers = (index: number) => images.map((outputs) => outputs[index]?.[0] ?? Number.NaN)
      return [value, { low: Math.min(...numbers(2 * i)), high: Math.max(...numbers(2 * i + 1)) }]
    })
  )

/**
 * The precision int8 for a model: what its values are between, in images of the training part that the seed chooses.
 * `files` are those of the float32 export.
 */
export const calibrated = Effect.fn("export.calibrate")(function* (
  { format, plan, target }: Graphs,
  files: ReadonlyArray<ExportFile>,
  train: ReadonlyArray<Sample>,
  seed: number
) {
  const { graph, model } = plan
  const found = yield* Effect.try({
    try: () => {
      if (format.observing === undefined) throw new Error(`${format.title} has no calibration`)
      return format.observing(files)
    },
    catch: (cause) =>
      new ExportError({
        where: "--precision int8",
        reason: "names",
        detail: `this model cannot be quantised: ${messageOf(cause)}`
      })
  })
  const exports = yield* Exports
  const { folder } = yield* exports.draft(target, found.files)
  const images: Array<ReadonlyArray<Float32Array>> = []
  let count = 0
  for (const group of groups(model, some(train, calibrationImages, "calibration", seed))) {
    const { held } = yield* load(model, group)
    if (held.size === 0) continue
    const batches = inBatches(held, fixedBatch(model.network) ?? batchSize)
    const { outputs } = yield* run(
      {
        format: format.name,
        folder,
        outputs: found.outputs,
        batches: batches.map((batch) => batchFor(batch, model.image, format.name, graph.input))
      },
      "the calibration of int8"
    )
    images.push(...outputs)
    count += held.size
  }
  if (count === 0)
    return yield* new ExportError({
      where: "--precision int8",
      reason: "catalogue",
      detail:
        "int8 is calibrated on images of the training part, and none of them can be read: put them back, or take --precision fp16"
    })
  const precision: Precision = { name: "int8", ranges: rangesOf(found.values, images) }
  return { precision, calibrationImages: count }
}, Effect.scoped)

/** The classes of each row of an output that are predicted, as text. */
const predicted = (output: Float32Array, { column }: GraphOutput, isLogits: boolean): ReadonlyArray<string> => {
  const { classes, temperature = 1, thresholds, values } = column
  if (values === "one") return Array.from(predictions(output, classes.length), String)
  const logits = isLogits ? output.map((logit) => logit / temperature) : output.map((p) => Math.log(p / (1 - p)))
  const applies = predictedClasses(logits, classes.length, thresholds)
  return Arrays.chunksOf(Array.from(applies), classes.length).map((row) =>
    row.flatMap((one, c) => (one === 1 ? [c] : [])).join()
  )
}

/** A measurement is steady where the median batch takes at most this many times as long as the fastest. */
const steady = 1.5

const isSteady = (seconds: ReadonlyArray<number>, fastest: number): boolean =>
  (seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Infinity) <= steady * fastest

/** A graph's answers. */
interface Answers {
  /** By label column: of each image the predicted classes, as text. */
  readonly classes: ReadonlyArray<Array<string>>
  /** Of each batch but the first of a process, which is slower because it prepares memory. */
  readonly seconds: Array<number>
}

/**
 * What a lower precision costs in accuracy, and what it gains in speed. The two graphs run in turn on images of the
 * validation part: the measurement decides whether the export is taken, and the test part must decide nothing.
 */
export const measureLoss = Effect.fn("export.measureLoss")(function* (
  { format, plan, target }: Graphs,
  full: Draft,
  files: ReadonlyArray<ExportFile>,
  validation: ReadonlyArray<Sample>,
  seed: number
) {
  const { graph, model } = plan
  const exports = yield* Exports
  const lower = yield* exports.draft(target, files)
  const outputs = graphOutputs(model, graph.output)
  const batch = fixedBatch(model.network) ?? batchSize
  const answers = (): Answers => ({ classes: outputs.map(() => []), seconds: [] })
  const sides = [
    { folder: full.folder, ...answers() },
    { folder: lower.folder, ...answers() }
  ] as const
  const labels: ReadonlyArray<Array<KnownClasses>> = outputs.map(() => [])
  let images = 0
  let largestDifference = 0
  let reader = ""
  for (const group of groups(model, some(validation, mostMeasured, "measured", seed))) {
    const { held, samples } = yield* load(model, group)
    if (held.size === 0) continue
    const batches = inBatches(held, batch).map((part) => batchFor(part, model.image, format.name, graph.input))
    images += held.size
    for (const { label, labels: known } of samples)
      for (const [k, column] of labels.entries()) column.push(known === undefined ? [label] : known[k])
    const found: Array<ReadonlyArray<Float32Array>> = []
    for (const side of sides) {
      const names = outputs.map(({ name }) => name)
      const read = yield* run(
        { format: format.name, folder: side.folder, outputs: names, batches },
        "a lower precision"
      )
      reader = read.reader
      side.seconds.push(...(read.seconds?.slice(1) ?? []))
      const columns = outputs.map((output, k) => {
        const all = Float32Array.from(read.outputs.flatMap((one) => [...(one[k] ?? [])]))
        // Images that only fill up a batch are left out.
        const own = all.subarray(0, held.size * output.column.classes.length)
        side.classes[k]?.push(...predicted(own, output, graph.output === "logits"))
        return own
      })
      found.push(columns)
    }
    for (const [k, column] of (found[0] ?? []).entries())
      for (const [at, value] of column.entries())
        largestDifference = Math.max(largestDifference, Math.abs(value - (found[1]?.[k]?.[at] ?? Number.NaN)))
  }
  const [first, second] = sides
  const loss = outputs.flatMap(({ column: { name } }, k): ReadonlyArray<PrecisionLoss> => {
    const known = (labels[k] ?? []).map((one) => one !== undefined && !one.includes(-1))
    const right = (side: Answers) =>
      (side.classes[k] ?? []).map((one, i) => one === labels[k]?.[i]?.join()).filter((_, i) => known[i])
    const [before, after] = [right(first), right(second)]
    const paired = pairedDifference(before, after)
    if (paired === null) return []
    const share = (all: ReadonlyArray<boolean>) => all.filter(Boolean).length / all.length
    return [
      {
        ...(model.columns !== undefined && { column: name }),
        samples: before.length,
        fp32: share(before),
        accuracy: share(after),
        difference: paired.difference,
        interval: paired.interval
      }
    ]
  })
  if (loss.length === 0)
    return yield* new ExportError({
      where: target,
      reason: "catalogue",
      detail:
        "the loss of accuracy is measured on images of the validation part, and none of them can be read: put them back, or keep fp32"
    })
  const same = outputs.map((_, k) => (first.classes[k] ?? []).filter((one, i) => one === second.classes[k]?.[i]).length)
  // The fastest batch of each: other work on the machine only ever adds time. Source: Python's manual of `timeit`.
  const seconds = [Math.min(...first.seconds), Math.min(...second.seconds)] as const
  return {
    loss,
    images,
    reader,
    /** Share of the images for which both predict the same, over all columns. */
    agreement: same.reduce((sum, one) => sum + one, 0) / (images * outputs.length),
    largestDifference,
    /** Images per second in the fastest of some batches of `batch`; absent where there were too few. */
    ...(seconds.every((one) => one > 0 && one < Infinity) && {
      speed: {
        batch,
        batches: first.seconds.length,
        /** False where other work on the machine disturbed the measurement: then its ratio means little. */
        steady: sides.every((side, k) => isSteady(side.seconds, seconds[k] ?? 0)),
        fp32: batch / seconds[0],
        imagesPerSecond: batch / seconds[1],
        ratio: seconds[0] / seconds[1]
      }
    })
  }
}, Effect.scoped)

/** The result of a measurement. */
export type MeasuredLoss = Effect.Success<ReturnType<typeof measureLoss>>
