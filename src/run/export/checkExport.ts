import { Effect } from "effect"
import { cooled } from "../../metrics/calibration.ts"
import { softmax } from "../../metrics/crossEntropy.ts"
import type { Engine } from "../../model/Engine.ts"
import { batchFor, normalisedImages, someOf } from "../../model/export/batchFor.ts"
import type { Held } from "../../model/export/batchFor.ts"
import type { ExportPlan } from "../../model/export/describeExport.ts"
import { ExportReaders } from "../../model/export/ExportReaders.ts"
import { inferenceOptions } from "../../model/Model.ts"
import type { Model } from "../../model/Model.ts"
import { pretrainedName } from "../../model/pretrainedNames.ts"
import { decode } from "../../model/safetensors.ts"
import { parameters } from "../../model/shapes.ts"
import type { Tensor } from "../../model/Tensor.ts"
import type { Draft } from "./Exports.ts"
import { ExportError } from "./Exports.ts"

/** How far an export may be from the run: absolute, and relative where a value is above 1. */
export const tolerance = 1e-4

/** What a check found; `reader` is null where nothing here reads the format. */
export type Checked =
  | { readonly reader: string; readonly largestDifference: number }
  | { readonly reader: null; readonly reason: string }

/** What a model says of images on an engine: logits (size, classes), row by row. */
export const logitsOf = Effect.fnUntraced(function* (engine: Engine["Service"], model: Model, held: Held) {
  const session = yield* engine.open(inferenceOptions(model))
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

/** The largest difference, and where it is. What is no number differs from everything. */
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
      `what was exported does not say what the run says, and was removed. ${reader} gives ` +
      (found.length === expected.length
        ? `${found[at]} for the class "${model.labels[at % classes]}" of image ${Math.floor(at / classes) + 1}, ` +
          `the run ${expected[at]}: they differ by ${difference.toExponential(1)}, and ${tolerance} is allowed`
        : `${found.length} values, the run ${expected.length}`) +
      ". Please report it with the run's config.json"
  })
})

/** The weights that are read back, under our own names, on the run's engine. */
const readWeights = Effect.fnUntraced(function* (
  { model }: ExportPlan,
  engine: Engine["Service"],
  draft: Draft,
  held: Held
) {
  const bytes = yield* draft.read("model.safetensors")
  const { tensors } = yield* Effect.fromResult(decode(bytes))
  const named = new Map(
    Array.from(tensors, ([name, tensor]) => [pretrainedName(model.network.name, name) ?? name, tensor])
  )
  const weights = new Map(
    parameters(model.network).flatMap(({ name, shape }): ReadonlyArray<readonly [string, Tensor]> => {
      const data = named.get(name)?.data
      return data === undefined ? [] : [[name, { shape, data }]]
    })
  )
  return yield* logitsOf(engine, { ...model, weights }, held)
})

/**
 * Loads an export anew and compares what it says of the held images with `logits`, which the run says. The images come
 * in two batches, of all but one and of one.
 *
 * Fails with an ExportError where they differ by more than `tolerance`, with figures.
 */
export const checkExport = Effect.fn("checkExport")(function* (
  plan: ExportPlan,
  engine: Engine["Service"],
  held: Held,
  logits: Float32Array,
  target: string,
  draft: Draft
) {
  const { format, graph, model } = plan
  if (format === "safetensors") {
    const found = yield* readWeights(plan, engine, draft, held)
    return yield* compare({ folder: target, reader: `Weft's engine "${engine.info.name}"` }, model, [...found], logits)
  }
  const parts = [someOf(held, 0, held.size - 1), someOf(held, held.size - 1, held.size)].filter(({ size }) => size > 0)
  const read = yield* ExportReaders.use((readers) =>
    readers.read({
      format,
      folder: draft.folder,
      output: graph.output,
      batches: parts.map((part) => batchFor(part, model.image, format, graph.input))
    })
  )
  if (read._tag === "NoReader") return { reader: null, reason: read.reason } satisfies Checked
  const expected =
    graph.output === "logits"
      ? logits
      : softmax(cooled(logits, model.calibration?.temperature ?? 1), model.network.classes)
  const found = read.outputs.flatMap((output) => [...output])
  return yield* compare({ folder: target, reader: read.reader }, model, found, Float32Array.from(expected))
})
