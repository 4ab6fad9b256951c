import { Effect, Option } from "effect"
import { cooled } from "../../metrics/calibration.ts"
import { predictedClasses } from "../../metrics/multilabel.ts"
import { predictions } from "../../metrics/topK.ts"
import type { ModelColumn } from "../../model/Model.ts"
import { modelColumns } from "../../model/Model.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { columnOf, columnsOf } from "../../model/StoredPredictions.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import { storedPredictions } from "../predict/storedPredictions.ts"
import { readModel } from "../readModel.ts"
import { RunError } from "../RunError.ts"
import { Runs } from "../Runs.ts"
import { savedConfig } from "../savedConfig.ts"
import { Classifier } from "./Classifier.ts"
import type { Classified } from "./Classifier.ts"
import type { Value } from "./ColumnValue.ts"
import { suggestedValue, textOf } from "./ColumnValue.ts"
import { Desk } from "./Desk.ts"
import type { GateSample, Verdict } from "./gate.ts"
import { gate } from "./gate.ts"
import { Photos } from "./Photos.ts"
import type { ModelRecord } from "./Promotions.ts"

/** A model to compare: its name, and its run's folder. */
type Compared = Pick<ModelRecord, "model" | "run">

/** Images that are classified at once. */
const atOnce = 32

/** A sample's id, its true value, and the predicted one. */
type Predicted = readonly [id: string, { readonly truth: Value; readonly predicted: Value }]

/** Of a column with one value. */
const onesOf = ({ labels, logits, samples }: StoredPredictions): ReadonlyArray<Predicted> => {
  const predicted = predictions(logits, labels.length)
  return samples.map(({ id, label }, i) => [
    id,
    { truth: elementAt(labels, label), predicted: elementAt(labels, elementAt(predicted, i)) }
  ])
}

/** Of a column with several values: the classes that reach their thresholds. */
const setsOf = (
  { labels: classes, logits, samples }: StoredPredictions,
  column: Pick<ModelColumn, "temperature" | "thresholds"> | undefined
): ReadonlyArray<Predicted> => {
  const applies = predictedClasses(cooled(logits, column?.temperature ?? 1), classes.length, column?.thresholds)
  return samples.map(({ id, labels }, i) => [
    id,
    {
      truth: (labels?.[0] ?? []).map((index) => elementAt(classes, index)),
      predicted: classes.filter((_, c) => applies[i * classes.length + c] === 1)
    }
  ])
}

/**
 * The predictions of a run's model for its test part, by label column: the true class and the predicted one, by the
 * sample's id.
 */
const testOf = Effect.fnUntraced(function* (run: string) {
  const folder = yield* Runs.use((runs) => runs.existing(run))
  const config = yield* savedConfig(folder)
  const stored = yield* storedPredictions({ config, folder }, "test")
  if (stored === undefined)
    return yield* new RunError({ run, detail: "it has kept no predictions of its test part: it is not finished" })
  const names = labelColumnsOf(config.data).map(({ column }) => column)
  const columns = columnsOf(stored)
  // What applies in a column with several values depends on the thresholds that the model has.
  const model = columns.some(({ values }) => values === "several") ? modelColumns(yield* readModel(folder, run)) : []
  return columns.map(({ index, name, values }) => {
    const own = columnOf(stored, index)
    const found = values === "one" ? onesOf(own) : setsOf(own, model[index])
    return { column: names[index] ?? name, byId: new Map(found) }
  })
})

/** What a model says of a column of an image; undefined where it refuses the image. */
const saidOf = (answer: Classified | undefined, column: string): Value | undefined => {
  const found = answer?._tag === "Classified" ? answer.columns.find((one) => one.column === column) : undefined
  return found === undefined ? undefined : suggestedValue(found.top)
}

/** The blind answers since the live model was promoted, with what both models say of them. */
const blindSamples = Effect.fnUntraced(function* (live: ModelRecord, candidate: Compared) {
  const desk = yield* Desk
  const photos = yield* Photos
  const classifier = yield* Classifier
  const answers = yield* desk.blindAnswers(live.promoted)
  const samples: Array<GateSample & { readonly column: string }> = []
  for (let from = 0; from < answers.length; from += atOnce) {
    const some = answers.slice(from, from + atOnce)
    const found = yield* Effect.forEach(some, (answer) =>
      Effect.map(Effect.option(photos.bytes(answer.digest)), (bytes) => ({ answer, bytes: Option.flatten(bytes) }))
    )
    const readable = found.flatMap(({ answer, bytes }) =>
      Option.isSome(bytes) ? [{ answer, photo: { name: answer.digest, bytes: bytes.value } }] : []
    )
    const looks = readable.map(({ photo }) => photo)
    const before = yield* classifier.classifyBy(live, looks)
    const after = yield* classifier.classifyBy(candidate, looks)
    for (const [i, { answer }] of readable.entries()) {
      const [said, says] = [saidOf(before[i], answer.column), saidOf(after[i], answer.column)]
      if (said !== undefined && says !== undefined)
        samples.push({ from: "blind", column: answer.column, truth: answer.value, live: said, candidate: says })
    }
  }
  return samples
})

/**
 * The gate's verdict on a candidate: on the samples that both runs have in their test parts with the same label, by the
 * predictions that they have kept, and on the blind answers since the last promotion.
 */
export const judge = Effect.fn("judge")(function* (live: ModelRecord, candidate: Compared) {
  const before = yield* testOf(live.run)
  const after = yield* testOf(candidate.run)
  const blind = yield* blindSamples(live, candidate)
  const verdict: Verdict = gate(
    after.map(({ byId, column }) => {
      const own = before.find((one) => one.column === column)
      const test = Array.from(own?.byId ?? [], ([id, one]): ReadonlyArray<GateSample> => {
        const other = byId.get(id)
        return other !== undefined && textOf(other.truth) === textOf(one.truth)
          ? [{ from: "test", truth: one.truth, live: one.predicted, candidate: other.predicted }]
          : []
      }).flat()
      return { column, samples: [...test, ...blind.filter((sample) => sample.column === column)] }
    })
  )
  return verdict
})
