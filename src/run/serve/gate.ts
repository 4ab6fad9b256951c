import { Schema } from "effect"

const Bounds = Schema.Struct({ low: Schema.Finite, high: Schema.Finite })

/** By how much the candidate is better than the live model, and what that lies within at 95 %. */
const Difference = Schema.Struct({
  live: Schema.Finite,
  candidate: Schema.Finite,
  difference: Schema.Finite,
  interval: Bounds
})

/** What the gate asks for. Points are hundredths: -0.005 is half a point. */
export interface GateSettings {
  /** Lower bounds of the paired differences must be above this. */
  readonly worst: number
  /** No class with at least `minSupport` samples may lose more than `mostLost` of its recall or F1. */
  readonly minSupport: number
  readonly mostLost: number
}

export const gateSettings: GateSettings = { worst: -0.005, minSupport: 30, mostLost: 0.05 }

/** One sample that neither model was trained on: its class, and what the two models say. */
export interface GateSample {
  /** The fixed test part, or a blind answer since the last promotion. */
  readonly from: "test" | "blind"
  readonly truth: string
  readonly live: string
  readonly candidate: string
}

/** Why a candidate is kept back. */
export const GateReason = Schema.Struct({
  column: Schema.String,
  of: Schema.Literals(["accuracy", "macroF1", "class", "blind", "samples"]),
  /** The class that falls, for `class`. */
  label: Schema.optionalKey(Schema.String),
  /** For people: what was measured, and what was asked for. */
  detail: Schema.String
})
export type GateReason = typeof GateReason.Type

/** What the gate measured for one label column, over test part and blind answers together. */
export const GateColumn = Schema.Struct({
  column: Schema.String,
  test: Schema.Natural,
  blind: Schema.Natural,
  accuracy: Schema.NullOr(Difference),
  macroF1: Schema.NullOr(Difference),
  /** Classes with enough samples that lose recall or F1, the greatest loss first. */
  falling: Schema.Array(
    Schema.Struct({
      label: Schema.String,
      support: Schema.Natural,
      measure: Schema.Literals(["recall", "F1"]),
      live: Schema.Finite,
      candidate: Schema.Finite
    })
  )
})
export type GateColumn = typeof GateColumn.Type

/** Whether a candidate may be promoted; if not, why. */
export const Verdict = Schema.Struct({
  passes: Schema.Boolean,
  reasons: Schema.Array(GateReason),
  columns: Schema.Array(GateColumn)
})
export type Verdict = typeof Verdict.Type

/** Samples of one label column. */
export interface GateInput {
  readonly column: string
  readonly samples: ReadonlyArray<GateSample>
}

/** Decides whether a candidate may replace the live model; a pure function. */
export type Gate = (columns: ReadonlyArray<GateInput>, settings?: GateSettings) => Verdict
