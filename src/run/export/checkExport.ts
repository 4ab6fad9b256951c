import { Effect } from "effect"
import { cooled } from "../../metrics/calibration.ts"
import { softmax } from "../../metrics/crossEntropy.ts"
import type { Engine } from "../../model/Engine.ts"
import { batchFor, inBatches, normalisedImages } from "../../model/export/batchFor.ts"
import type { Held } from "../../model/export/batchFor.ts"
import { graphOutputs } from "../../model/export/exportOutputs.ts"
import type { GraphOutput } from "../../model/export/exportOutputs.ts"
import { ExportReaders } from "../../model/export/ExportReaders.ts"
import type { WeightsFormat } from "../../model/export/Format.ts"
import { formatOf } from "../../model/export/formats.ts"
import type { ExportPlan } from "../../model/export/formats.ts"
import { modelColumns } from "../../model/Model.ts"
import type { Model } from "../../model/Model.ts"
import { openModel } from "../../model/openModel.ts"
import { fixedBatch } from "../../model/shapes.ts"
import type { Draft } from "./Exports.ts"
import { ExportError } from "./Exports.ts"

/** The largest allowed difference between an export and the run: absolute, or relative where a value is above 1. */
export const tolerance = 1e-4

/** The result of a check; `reader` is null where this machine has no reader of the format. */
export type Checked =
  | { readonly reader: string; readonly largestDifference: number }
  | { readonly reader: null; readonly reason: string }

/** A model's logits of images on an engine: (size, classes), row by row. */
export const logitsOf = Effect.fnUntraced(function* (engine: Engine["Service"], model: Model, held: Held) {
  const session = yield* openModel(engine, model)
  const { height, size, width } = held
  return yield* session.predict({
    index: 0,
    images: normalisedImages(held, model.image),
    labels: new Int32Array(size),
    ids: Array.from({ length: size }, (_, i) => `image ${i + 1}`),
    size,
    height,
    width
  })
}, Effect.scoped)

/** The largest difference, and its index. NaN differs from everything. */
const largest = (found: ReadonlyArray<number>, expected: Float32Array) => {
  let worst = { difference: 0, at: 0 }
  for (const [at, value] of expected.entries()) {
    const apart = Math.abs((found[at] ?? Number.NaN) - value) / Math.max(1, Math.abs(value))
    const difference = Number.isNaN(apart) ? Infinity : apart
    if (difference > worst.difference) worst = { difference, at }
  }
  return worst
}

const compare = Effect.fnUntraced(function* (
  { folder, reader }: { readonly folder: string; readonly reader: string },
  model: Model,
  found: ReadonlyArray<number>,
  expected: Float32Array
) {
  const { at, difference } = largest(found, expected)
  if (found.length === expected.length && difference <= tolerance)
    return { reader, largestDifference: difference } satisfies Checked
  const { classes } = model.network
  return yield* new ExportError({
    where: folder,
    reason: "disagrees",
    detail:
      `the exported model does not agree with the run, and was removed. ${reader} gives ` +
      (found.length === expected.length
        ? `${found[at]} for the class "${modelColumns(model).flatMap(({ classes }) => classes)[at % classes]}" of image ${Math.floor(at / classes) + 1}, ` +
          `the run ${expected[at]}: they differ by ${difference.toExponential(1)}, and ${tolerance} is allowed`
        : `${found.length} values, the run ${expected.length}`) +
      ". Please report it with the run's config.json"
  })
})

/** The outputs of a batch, one column after the other in each row, as the logits of all columns are. */
const inRows = (columns: ReadonlyArray<Float32Array>, outputs: ReadonlyArray<GraphOutput>): ReadonlyArray<number> => {
  const [only, ...others] = columns
  if (only !== undefined && others.length === 0) return [...only]
  const rows = (only?.length ?? 0) / (outputs[0]?.column.classes.length ?? 1)
  return Array.from({ length: rows }, (_, row) =>
    outputs.flatMap(({ column: { classes } }, k) => [
      ...(columns[k]?.subarray(row * classes.length, (row + 1) * classes.length) ?? [])
    ])
  ).flat()
}

/** The probabilities of each column at its temperature, in the places of its logits. */
const probabilitiesOf = (logits: Float32Array, outputs: ReadonlyArray<GraphOutput>): Float32Array => {
  const width = outputs.reduce((sum, { column }) => sum + column.classes.length, 0)
  const found = new Float32Array(logits.length)
  for (let row = 0; row < logits.length; row += width)
    for (const { column } of outputs) {
      const { classes, from, temperature = 1, to, values } = column
      const own = cooled(logits.subarray(row + from, row + to), temperature)
      found.set(values === "one" ? softmax(own, classes.length) : own.map((x) => 1 / (1 + Math.exp(-x))), row + from)
    }
  return found
}

/** The logits of weights that were written, on the run's engine. */
const logitsOfWeights = Effect.fnUntraced(function* (
  format: WeightsFormat,
  { model }: ExportPlan,
  engine: Engine["Service"],
  draft: Draft,
  held: Held
) {
  const bytes = yield* draft.read(format.file)
  const weights = yield* Effect.fromResult(format.read(bytes, model.network))
  return yield* logitsOf(engine, { ...model, weights }, held)
})

/**
 * Loads an export again and compares its outputs for the held images with the run's `logits`. The images come in two
 * batches: all but one, and one.
 *
 * Fails with an ExportError that names the values where they differ by more than `tolerance`.
 */
export const checkExport = Effect.fn("checkExport")(function* (
  plan: ExportPlan,
  engine: Engine["Service"],
  held: Held,
  logits: Float32Array,
  target: string,
  draft: Draft
) {
  const { graph, model } = plan
  const format = formatOf(plan.format)
  if (format.kind === "weights") {
    const found = yield* logitsOfWeights(format, plan, engine, draft, held)
    return yield* compare({ folder: target, reader: `Weft's engine "${engine.info.name}"` }, model, [...found], logits)
  }
  const outputs = graphOutputs(model, graph.output)
  const parts = inBatches(held, fixedBatch(model.network))
  const read = yield* ExportReaders.use((readers) =>
    readers.read({
      format: format.name,
      folder: draft.folder,
      outputs: outputs.map(({ name }) => name),
      batches: parts.map((part) => batchFor(part, model.image, format.name, graph.input))
    })
  )
  if (read._tag === "NoReader") return { reader: null, reason: read.reason } satisfies Checked
  const expected = graph.output === "logits" ? logits : probabilitiesOf(logits, outputs)
  // Images that only fill up a batch are left out.
  const found = read.outputs.flatMap((columns) => inRows(columns, outputs)).slice(0, expected.length)
  return yield* compare({ folder: target, reader: read.reader }, model, found, expected)
})
