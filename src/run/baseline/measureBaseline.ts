import { Clock, Effect } from "effect"
import * as Evaluation from "../../metrics/Evaluation.ts"
import type { TestReport } from "../../metrics/Report.ts"
import { testReport } from "../../metrics/Report.ts"
import { fitLogistic, logitsOf, strengths } from "../../model/baseline/logistic.ts"
import { nearest, unitRows, vote } from "../../model/baseline/nearest.ts"
import { principal, usualDirections } from "../../model/baseline/principal.ts"
import { standardise } from "../../model/baseline/standardise.ts"
import type { Embedded } from "../similar/embed.ts"

/** The numbers of neighbours that are tried. */
export const neighbours = [5, 10, 20] as const

/** Features of the three parts. */
export interface BaselineParts {
  readonly classes: ReadonlyArray<string>
  readonly train: Embedded
  readonly validation: Embedded
  readonly test: Embedded
}

/** One that was tried, with its accuracy on the validation part; null where that is empty. */
export interface Tried {
  readonly validationAccuracy: number | null
  readonly isChosen: boolean
}

/** What two classifiers of frozen features reach. */
export interface Baseline {
  readonly features: number
  readonly nearest: {
    readonly tried: ReadonlyArray<Tried & { readonly neighbours: number }>
    readonly test: TestReport | null
    /** Of the test part alone. */
    readonly seconds: number
  }
  readonly logistic: {
    readonly tried: ReadonlyArray<
      Tried & {
        readonly strength: number
        readonly trainLoss: number
        readonly evaluations: number
        readonly isConverged: boolean
      }
    >
    readonly test: TestReport | null
    /** Of all strengths together. */
    readonly seconds: number
  }
}

const secondsSince = (start: bigint) => Effect.map(Clock.currentTimeNanos, (now) => Number(now - start) / 1e9)

const accuracyOf = (predicted: ArrayLike<number>, labels: Int32Array): number | null =>
  labels.length === 0 ? null : labels.reduce((sum, label, i) => sum + Number(predicted[i] === label), 0) / labels.length

/** The first of those with the best accuracy; the first of all where there is no validation part. */
const bestOf = <A extends { readonly validationAccuracy: number | null }>(tried: ReadonlyArray<A>): A | undefined =>
  tried.reduce<A | undefined>(
    (best, one) => (best === undefined || (one.validationAccuracy ?? 0) > (best.validationAccuracy ?? 0) ? one : best),
    undefined
  )

/** Scores whose largest is the predicted class: 1 for it, 0 for the others. */
const asLogits = (predicted: ReadonlyArray<number>, classes: number) => {
  const logits = new Float32Array(predicted.length * classes)
  for (const [row, label] of predicted.entries()) logits[row * classes + label] = 1
  return logits
}

const argmax = (logits: Float32Array, classes: number) =>
  Array.from({ length: logits.length / classes }, (_, row) => {
    let best = 0
    for (let c = 1; c < classes; c++) if (logits[row * classes + c]! > logits[row * classes + best]!) best = c
    return best
  })

/**
 * Measures what frozen features are good for: the vote of the nearest training photos, and a multinomial logistic
 * regression. What is chosen of each is chosen on the validation part, and the test part is predicted once.
 */
export const measureBaseline = Effect.fn("measureBaseline")(function* ({
  classes: names,
  test,
  train,
  validation
}: BaselineParts) {
  const classes = names.length
  const reportOf = (logits: Float32Array, labels: Int32Array) =>
    testReport(Evaluation.measure({ classes, logits, labels }), names)

  const base = unitRows(train.features)
  const most = Math.max(...neighbours)
  const along = yield* principal(base, usualDirections)
  const voted = Effect.fnUntraced(function* ({ features }: Embedded) {
    const near = yield* nearest(unitRows(features), base, most, along)
    return (k: number) => near.map((one) => vote(one, train.labels, k, classes))
  })
  const onValidation = yield* voted(validation)
  const tried = neighbours.map((k) => ({
    neighbours: k,
    validationAccuracy: accuracyOf(onValidation(k), validation.labels)
  }))
  const k = bestOf(tried)?.neighbours ?? most
  const nearStart = yield* Clock.currentTimeNanos
  const onTest = (yield* voted(test))(k)
  const nearSeconds = yield* secondsSince(nearStart)

  const start = yield* Clock.currentTimeNanos
  const scaled = standardise(train.features)
  const features = scaled(train.features)
  const fitted = yield* fitLogistic(
    { features, labels: train.labels },
    classes,
    strengths,
    yield* principal(features, usualDirections)
  )
  const seconds = yield* secondsSince(start)
  const validated = scaled(validation.features)
  const measured = yield* Effect.forEach(fitted, (linear) =>
    Effect.map(logitsOf(validated, linear), (logits) => ({
      linear,
      validationAccuracy: accuracyOf(argmax(logits, classes), validation.labels)
    }))
  )
  const chosen = bestOf(measured)
  const logits = chosen === undefined ? new Float32Array(0) : yield* logitsOf(scaled(test.features), chosen.linear)
  return {
    features: train.features.columns,
    nearest: {
      tried: tried.map((one) => ({ ...one, isChosen: one.neighbours === k })),
      test: reportOf(asLogits(onTest, classes), test.labels),
      seconds: nearSeconds
    },
    logistic: {
      tried: measured.map(({ linear, validationAccuracy }) => ({
        strength: linear.strength,
        validationAccuracy,
        isChosen: linear === chosen?.linear,
        trainLoss: linear.loss,
        evaluations: linear.evaluations,
        isConverged: linear.isConverged
      })),
      test: reportOf(logits, test.labels),
      seconds
    }
  } satisfies Baseline
})
