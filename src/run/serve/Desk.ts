/**
 * The tagging desk: photos wait in a queue, people answer, and every answer is in a log before it is acknowledged.
 *
 * It knows neither HTTP nor a database. All times are milliseconds since 1970 (UTC). A desk has one label column or
 * several; an item has one value for each: a class, or of a column with several values in a cell the set of those that
 * apply.
 */
import { Context, Schema } from "effect"
import type { Effect, Stream } from "effect"
import { Part } from "../../pipeline/Part.ts"
import { Column, ColumnValue, Label, lineOf, Ranked, Unit, Value } from "./ColumnValue.ts"

/** SHA-256 of an image's bytes, in hex. An item is known by it: the same photo twice is one item. */
export const Digest = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "a SHA-256 in hex, 64 digits" })
)
export type Digest = typeof Digest.Type

/** Milliseconds since 1970 (UTC). */
export const Instant = Schema.Int

/** An image's file name, a row's id: shown, and never used as a path. */
export const Name = lineOf(500)

/** Who works at the desk. An admin may also retrain, promote, roll back, export and see all of the log. */
export const Role = Schema.Literals(["operator", "admin"])
export type Role = typeof Role.Type
export const Operator = Schema.Struct({ name: Name, role: Role })
export type Operator = typeof Operator.Type

/**
 * What a model says of one label column of an image: its first classes, the most probable one first. Of a column with
 * several values all that reach their thresholds are among them.
 */
export const Suggestion = Schema.Struct({
  column: Column,
  /** The model's name in the registry, and the folder's name of its run. */
  model: Name,
  run: Name,
  top: Schema.NonEmptyArray(Ranked)
})
export type Suggestion = typeof Suggestion.Type

/** A row of the catalogue that shows the image: its id, and what its file has in the label columns. */
export const CatalogueRow = Schema.Struct({ id: Name, values: Schema.Array(ColumnValue) })
export type CatalogueRow = typeof CatalogueRow.Type

/**
 * `open`: at least one column waits for an answer. `answered`: each has one, or was skipped, and not all were. `skipped`:
 * all were. `labelled`: the catalogue has all labels, and nobody has changed them; it waits for nobody, and may be audited
 * and corrected.
 */
export const ItemState = Schema.Literals(["open", "answered", "skipped", "labelled"])
export type ItemState = typeof ItemState.Type

/**
 * The second opinion of an item: `none` asked for; `wanted`: it waits for another operator; `agreed`, or `disputed`: it
 * differs, and somebody has to settle it; `settled`.
 */
export const OpinionState = Schema.Literals(["none", "wanted", "agreed", "disputed", "settled"])
export type OpinionState = typeof OpinionState.Type

/** What somebody answered. `operator` is null for the labels that the catalogue has. */
export const Answer = Schema.Struct({
  operator: Schema.NullOr(Name),
  at: Instant,
  values: Schema.Array(ColumnValue)
})
export type Answer = typeof Answer.Type

/** An image that is to be tagged, or was. */
export const Item = Schema.Struct({
  digest: Digest,
  name: Name,
  /** `inbox`: it was uploaded. `catalogue`: it was listed when the desk began. */
  origin: Schema.Literals(["inbox", "catalogue"]),
  came: Instant,
  /** Rows of the catalogue with this image; of an upload those ids that were given with it. */
  rows: Schema.Array(CatalogueRow),
  /** The part of the run's split that it belongs to; an upload belongs to none until a run has it. */
  part: Schema.NullOr(Part),
  state: ItemState,
  opinion: OpinionState,
  /** Shown without suggestions: drawn by seed and digest, see `isBlind`. */
  blind: Schema.Boolean,
  /** Grows by one with each change of its answer; 0: never changed. */
  version: Schema.Natural,
  /** The answer that holds now; null while no column has one. */
  answer: Schema.NullOr(Answer),
  /** The second opinion, where there is one. */
  second: Schema.NullOr(Answer),
  /** By the live model, a column each; none before it was asked. */
  suggestions: Schema.Array(Suggestion)
})
export type Item = typeof Item.Type

/** The order in which items are handed out; see `order.ts`. */
export const Order = Schema.Literals(["newest", "leastMargin", "surest", "disagreement", "audit"])
export type Order = typeof Order.Type

/** The right to answer an item, for a time. Only one operator has it at a time. */
export const Lease = Schema.Struct({
  operator: Name,
  until: Instant,
  /**
   * `first` answer; `second` opinion, without sight of the first; `settle` a dispute, with sight of both; `correct` an
   * answer or the catalogue's label, from an audit list.
   */
  task: Schema.Literals(["first", "second", "settle", "correct"])
})
export type Lease = typeof Lease.Type

/** One column of a task, as the operator may see it. */
export const TaskColumn = Schema.Struct({
  column: Column,
  /** True where it may have several values in a cell: an answer is a list then. */
  several: Schema.optionalKey(Schema.Boolean),
  /** What it holds now; null where nothing, and always for a second opinion. */
  value: Schema.NullOr(Value),
  /** The first classes of the live model; empty where the task is blind. */
  suggestions: Schema.Array(Ranked)
})

/** An item that an operator has leased, with what this operator may see of it. */
export const Task = Schema.Struct({
  digest: Digest,
  name: Name,
  came: Instant,
  lease: Lease,
  /** To be sent with the answer. */
  version: Schema.Natural,
  blind: Schema.Boolean,
  /** Of the suggestions; null where there are none. */
  model: Schema.NullOr(Name),
  run: Schema.NullOr(Name),
  columns: Schema.NonEmptyArray(TaskColumn),
  /** Both answers of a dispute, for `settle`; else empty. */
  opinions: Schema.Array(Answer)
})
export type Task = typeof Task.Type

/** An answer to a task. Columns that are not named stay as they are; null skips a column. */
export const Answering = Schema.Struct({
  digest: Digest,
  version: Schema.Natural,
  values: Schema.NonEmptyArray(ColumnValue),
  /** From the photo's appearance to the key, as the page measured it. */
  seconds: Schema.NullOr(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 86_400 })))
})
export type Answering = typeof Answering.Type

/** An acknowledged change: it is in the log. */
export const Acknowledged = Schema.Struct({
  digest: Digest,
  version: Schema.Natural,
  state: ItemState,
  opinion: OpinionState
})
export type Acknowledged = typeof Acknowledged.Type

/** What the log's entries record. `ask`: a second opinion is asked for. `release`: a lease is given back unanswered. */
export const Action = Schema.Literals(["answer", "skip", "second", "settle", "return", "release", "undo", "ask"])
export type Action = typeof Action.Type

/** One line of the log: one column of one change. Lines are added, and never changed or removed. */
export const LogEntry = Schema.Struct({
  /** Counts up; gaps are possible. */
  entry: Schema.Natural,
  /** The same for all lines of one change: the columns of one answer, the items that one key confirmed. */
  change: Schema.Natural,
  at: Instant,
  operator: Name,
  action: Action,
  digest: Digest,
  column: Column,
  from: Schema.NullOr(Value),
  to: Schema.NullOr(Value),
  /** The item's version after it. */
  version: Schema.Natural,
  /** Of the live model at that time: also for blind tasks, where they were not shown. */
  model: Schema.NullOr(Name),
  run: Schema.NullOr(Name),
  /** Its first class and its probability; of a column with several values its set, and how sure it is of it: see `certaintyOf`. */
  suggested: Schema.NullOr(Value),
  probability: Schema.NullOr(Unit),
  seconds: Schema.NullOr(Schema.Finite),
  /** Whether the suggestions were withheld. */
  blind: Schema.Boolean
})
export type LogEntry = typeof LogEntry.Type

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

/** The audit lists: what may be wrong, and can be mended here. */
export const AuditList = Schema.Literals(["labelErrors", "conflicts", "disagreements", "skipped", "history"])
export type AuditList = typeof AuditList.Type

/** A line of an audit list. */
export const AuditEntry = Schema.Struct({
  item: Item,
  column: Column,
  /** The second value: the model's class, the other row's label, the second opinion. */
  other: Schema.NullOr(Value),
  /** What the list is ordered by, from 0 to 1: the model's probability of `other`; 0 where it has none. */
  probability: Unit
})
export type AuditEntry = typeof AuditEntry.Type

/** A class of a label column. */
export const DeskClass = Schema.Struct({
  column: Column,
  label: Label,
  /** Samples that the live model was trained on with it; 0: the model does not know it yet. */
  trained: Schema.Natural,
  /** Answers that hold now. */
  answers: Schema.Natural,
  /** Open items that are not blind and whose first suggestion it is, and in a set the only one: the grid's length. */
  predicted: Schema.Natural
})
export type DeskClass = typeof DeskClass.Type

/** An image that comes to the desk. Sending it again changes nothing, but adds rows that were not known. */
export const Arrival = Schema.Struct({
  digest: Digest,
  name: Name,
  origin: Item.fields.origin,
  rows: Item.fields.rows,
  part: Item.fields.part,
  suggestions: Item.fields.suggestions
})
export type Arrival = typeof Arrival.Type

/** One cell that people have changed: of a row of the catalogue, or (without a row) of an upload. */
export const Correction = Schema.Struct({
  digest: Digest,
  /** The row's id; null for an upload that belongs to no row. */
  row: Schema.NullOr(Name),
  name: Name,
  column: Column,
  /** What the catalogue has; null: an empty cell. */
  from: Schema.NullOr(Value),
  to: Value
})
export type Correction = typeof Correction.Type

/** A blind answer, for the gate. */
export const BlindAnswer = Schema.Struct({ digest: Digest, column: Column, value: Value })
export type BlindAnswer = typeof BlindAnswer.Type

/** Which answers are asked for. */
export interface CorrectionChoice {
  /**
   * `all` for people and exports. `training`: without items of the validation and test parts, and without blind answers
   * since the last promotion, which the gate measures on.
   */
  readonly of: "all" | "training"
}

/** The item was changed since it was shown: what holds now, and whose it is. */
export class AnswerConflict extends Schema.TaggedError<AnswerConflict>()("AnswerConflict", {
  digest: Digest,
  version: Schema.Natural,
  state: ItemState,
  /** Null where it was taken back, or must not be seen (a second opinion). */
  answer: Schema.NullOr(Answer)
}) {
  override get message() {
    const by = this.answer?.operator ?? "somebody else"
    return `${this.digest.slice(0, 12)} was changed by ${by} since it was shown; look at it again`
  }
}

/** The lease is over, or was never given, and somebody else has the item now. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {
  digest: Digest,
  /** Until when somebody else has it; null where nobody has. */
  until: Schema.NullOr(Instant)
}) {
  override get message() {
    return `${this.digest.slice(0, 12)} is not leased to you; ask for the next item`
  }
}

/** There is no such item, or the desk has no such column. */
export class NotAtDesk extends Schema.TaggedError<NotAtDesk>()("NotAtDesk", {
  what: Schema.Literals(["item", "column"]),
  name: Schema.String
}) {
  override get message() {
    return `there is no ${this.what} ${JSON.stringify(this.name)} at this desk`
  }
}

/** An answer is of the wrong kind for its column: a list where one class is asked for, or one class where a list is. */
export class WrongValue extends Schema.TaggedError<WrongValue>()("WrongValue", {
  column: Column,
  detail: Schema.String
}) {
  override get message() {
    return `the column ${JSON.stringify(this.column)}: ${this.detail}`
  }
}

/** Nothing is left that this operator could take back. */
export class NothingToUndo extends Schema.TaggedError<NothingToUndo>()("NothingToUndo", { operator: Name }) {
  override get message() {
    return `${this.operator} has nothing left to take back`
  }
}

/** More items wait than the desk may hold. */
export class QueueFull extends Schema.TaggedError<QueueFull>()("QueueFull", {
  waiting: Schema.Natural,
  most: Schema.Natural
}) {
  override get message() {
    return `${this.waiting} items wait already, and at most ${this.most} may; try again when some are answered`
  }
}

/** The desk's database cannot be read or written: nothing was changed. */
export class DeskError extends Schema.TaggedError<DeskError>()("DeskError", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return this.detail
  }
}

/** What a desk is opened with. The same for all servers that share it. */
export interface DeskSettings {
  /** Label columns, in the order in which they are shown. */
  readonly columns: readonly [first: string, ...more: ReadonlyArray<string>]
  /** What divides the values of a cell, of those columns that may have several; none where it is left out. */
  readonly separators?: Readonly<Record<string, string>>
  /** Seeds the blind share and the random audit. */
  readonly seed: number
  /** Share of the items that are shown without suggestions, from 0 to 1. */
  readonly blindShare: number
  /** How long a lease lasts. */
  readonly leaseSeconds: number
  /** At most so many open items. */
  readonly mostOpen: number
}

export const defaultSettings = {
  seed: 1,
  blindShare: 0.05,
  leaseSeconds: 600,
  mostOpen: 1_000_000
} as const satisfies Omit<DeskSettings, "columns">

/**
 * The desk's queue, answers, log and inbox. Each change is in the database and in the log when its effect succeeds, wholly
 * or not at all; where one fails, nothing has changed.
 */
export class Desk extends Context.Service<
  Desk,
  {
    readonly settings: DeskSettings

    // Inbox

    /** Takes images in; those that are there already stay. Gives each as it is now, in the given order. */
    readonly arrive: (
      arrivals: ReadonlyArray<Arrival>
    ) => Effect.Effect<ReadonlyArray<Item>, QueueFull | NotAtDesk | DeskError>
    /** Replaces the suggestions of some items: after a promotion, by the new model's. Unknown digests are left out. */
    readonly suggest: (
      suggestions: ReadonlyArray<{ readonly digest: string; readonly suggestions: ReadonlyArray<Suggestion> }>
    ) => Effect.Effect<void, NotAtDesk | DeskError>
    /** Digests without suggestions of this model, open items first, at most so many: what a server has still to predict. */
    readonly withoutSuggestion: (model: string, most: number) => Effect.Effect<ReadonlyArray<string>, DeskError>
    readonly item: (digest: string) => Effect.Effect<Item, NotAtDesk | DeskError>
    /** The classes that the live model knows, with the samples that it was trained on; replaces what was declared before. */
    readonly declareClasses: (
      classes: ReadonlyArray<{ readonly column: string; readonly label: string; readonly trained: number }>
    ) => Effect.Effect<void, NotAtDesk | DeskError>
    /** All classes of the columns, also those that people have added, the most frequent first: for type-ahead and grid. */
    readonly classes: Effect.Effect<ReadonlyArray<DeskClass>, DeskError>

    // Queue

    /**
     * Leases up to `count` items to an operator, in an order; those that this operator has already leased come first, so
     * that a page that is loaded again goes on where it was. Asked-for second opinions come before the others. Nobody gets
     * an item that another has leased or that this operator has answered. Empty: nothing waits for this operator.
     */
    readonly next: (request: {
      readonly operator: string
      readonly order: Order
      readonly count: number
    }) => Effect.Effect<ReadonlyArray<Task>, DeskError>
    /**
     * Leases the surest open items whose first suggestion in `column` is `label`; no blind ones. In a column with several
     * values, those whose set is `label` alone.
     */
    readonly grid: (request: {
      readonly operator: string
      readonly column: string
      readonly label: string
      readonly count: number
    }) => Effect.Effect<ReadonlyArray<Task>, NotAtDesk | DeskError>
    /** Leases one item for correction, from an audit list or by its digest. */
    readonly take: (operator: string, digest: string) => Effect.Effect<Task, NotAtDesk | LeaseLost | DeskError>
    /** Prolongs an operator's leases on these items; those that are lost are left out of the answer. */
    readonly renew: (
      operator: string,
      digests: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<{ readonly digest: string; readonly until: number }>, DeskError>
    /**
     * Answers a task; which kind (first, second, settle, correct) is the lease's. Whoever answers first, wins: an
     * answer to an older version fails with what holds now. A lease that ran out still serves while nobody else has the
     * item. Without a lease, an item that this operator sees (an own earlier answer) can be changed by its version.
     */
    readonly answer: (
      operator: string,
      answering: Answering
    ) => Effect.Effect<Acknowledged, AnswerConflict | LeaseLost | NotAtDesk | WrongValue | DeskError>
    /**
     * One class for one column of many items (the only one of its set), as one change, which one undo takes back. Items that fail do not stop the
     * others: they come back with their errors.
     */
    readonly confirm: (
      operator: string,
      request: {
        readonly column: string
        readonly label: string
        readonly items: ReadonlyArray<{ readonly digest: string; readonly version: number }>
        readonly seconds: number | null
      }
    ) => Effect.Effect<
      {
        readonly confirmed: ReadonlyArray<Acknowledged>
        readonly failed: ReadonlyArray<AnswerConflict | LeaseLost | NotAtDesk>
      },
      NotAtDesk | DeskError
    >
    /** Skips every unanswered column of a task: the item leaves the queue, and is in the audit list `skipped`. */
    readonly skip: (
      operator: string,
      request: { readonly digest: string; readonly version: number; readonly seconds: number | null }
    ) => Effect.Effect<Acknowledged, AnswerConflict | LeaseLost | NotAtDesk | DeskError>
    /**
     * Takes back this operator's newest change that still stands (nobody has changed the item since), as often as there
     * are any. The items are leased to the operator again, as they were before the change.
     */
    readonly undo: (operator: string) => Effect.Effect<ReadonlyArray<Task>, NothingToUndo | DeskError>
    /**
     * Back to the queue: an answered or skipped item becomes open again; of an open one the lease is given back. The
     * operator gets it again after all others.
     */
    readonly putBack: (
      operator: string,
      request: { readonly digest: string; readonly version: number }
    ) => Effect.Effect<Acknowledged, AnswerConflict | LeaseLost | NotAtDesk | DeskError>
    /** Asks for second opinions on answered or labelled items; those of other states, or asked for already, stay. */
    readonly askSecond: (
      operator: string,
      digests: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<Acknowledged>, NotAtDesk | DeskError>

    // Audit and metrics

    /** A list, the likeliest errors first; `history` is the operator's own, newest first. */
    readonly audit: (request: {
      readonly operator: string
      readonly list: AuditList
      readonly from: number
      readonly count: number
    }) => Effect.Effect<ReadonlyArray<AuditEntry>, DeskError>
    /** The log from its newest line, or from the one before `before`. */
    readonly log: (request: {
      readonly before: number | null
      readonly count: number
      readonly digest: string | null
      readonly operator: string | null
    }) => Effect.Effect<ReadonlyArray<LogEntry>, DeskError>
    readonly progress: Effect.Effect<Progress, DeskError>
    /** For each column. `since` bounds the answers that are counted; null: all. */
    readonly honesty: (since: number | null) => Effect.Effect<ReadonlyArray<Honesty>, DeskError>

    // What leaves the desk

    /** All cells whose answer that holds now differs from the catalogue's, in the order of digest, row and column. */
    readonly corrections: (choice: CorrectionChoice) => Stream.Stream<Correction, DeskError>
    /** Answered items since an instant (the last training), for retraining after so many. */
    readonly answersSince: (since: number | null) => Effect.Effect<number, DeskError>
    /** Blind first answers that hold now, given since an instant (the last promotion); null: all. */
    readonly blindAnswers: (since: number | null) => Effect.Effect<ReadonlyArray<BlindAnswer>, DeskError>
    /** Whether the database answers. */
    readonly ready: Effect.Effect<void, DeskError>
  }
>()("weft/run/serve/Desk") {}
