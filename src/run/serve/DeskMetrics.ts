import { Schema } from "effect"
import { Column, Unit } from "./ColumnValue.ts"
import { Name } from "./Item.ts"

/** A share of counts, with its 95 % Wilson interval; null where there is nothing to count. */
export const Rate = Schema.Struct({
  hits: Schema.Natural,
  of: Schema.Natural,
  share: Schema.NullOr(Unit),
  interval: Schema.NullOr(Schema.Struct({ low: Unit, high: Unit }))
})
export type Rate = typeof Rate.Type

/** How far the desk is, and who did what. */
export const Progress = Schema.Struct({
  /** All items by state; their sum is `total`. */
  total: Schema.Natural,
  open: Schema.Natural,
  answered: Schema.Natural,
  skipped: Schema.Natural,
  labelled: Schema.Natural,
  /** Of them: leased now, waiting for a second opinion, disputed. */
  leased: Schema.Natural,
  wanted: Schema.Natural,
  disputed: Schema.Natural,
  operators: Schema.Array(
    Schema.Struct({
      operator: Name,
      /** Items that this operator has answered, skipped, and changes taken back. */
      answers: Schema.Natural,
      skips: Schema.Natural,
      undos: Schema.Natural,
      /** Hours at work: the time between two changes counts where it is below five minutes. */
      hours: Schema.Finite,
      perHour: Schema.NullOr(Schema.Finite),
      /** Answers that equal the first suggestion that was shown. */
      agreement: Rate,
      /** Second opinions on this operator's answers that agree. */
      seconded: Rate
    })
  )
})
export type Progress = typeof Progress.Type

/** What can honestly be said of people and model, for one label column; see `docs/desk.md`. */
export const Honesty = Schema.Struct({
  column: Column,
  /** Blind answers that equal the model's first class: the model's accuracy by people who did not see it. */
  model: Rate,
  /** Answers that equal the first suggestion, where it was shown. */
  shown: Rate,
  /** `shown` less `model`: by how much suggestions pull answers to themselves; 95 % interval (Newcombe). */
  bias: Schema.NullOr(
    Schema.Struct({ difference: Schema.Finite, interval: Schema.Struct({ low: Schema.Finite, high: Schema.Finite }) })
  ),
  /** First answers that stood after a second opinion (agreed, or settled for them): blind ones, and the others. */
  peopleBlind: Rate,
  peopleShown: Rate
})
export type Honesty = typeof Honesty.Type
