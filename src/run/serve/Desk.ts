/**
 * The tagging desk: photos wait in a queue, people answer, and every answer is in a log before it is acknowledged.
 *
 * It knows neither HTTP nor a database. All times are milliseconds since 1970 (UTC). A desk has one label column or
 * several; an item has one value for each: a class, or of a column with several values in a cell the set of those that
 * apply.
 */
import { Context } from "effect"
import type { Effect, Stream } from "effect"
import type { AuditEntry, AuditList } from "./Audit.ts"
import type { BlindAnswer, Correction, CorrectionChoice } from "./Correction.ts"
import type { DeskClass } from "./DeskClass.ts"
import type {
  AnswerConflict,
  DeskError,
  LeaseLost,
  NotAtDesk,
  NothingToUndo,
  QueueFull,
  WrongValue
} from "./DeskFaults.ts"
import type { Honesty, Progress } from "./DeskMetrics.ts"
import type { Arrival, Item, Suggestion } from "./Item.ts"
import type { LogEntry } from "./LogEntry.ts"
import type { Acknowledged, Answering, Order, Task } from "./Task.ts"

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
    /**
     * Digests without suggestions of this model, open items first, at most so many: what a server has still to predict.
     */
    readonly withoutSuggestion: (model: string, most: number) => Effect.Effect<ReadonlyArray<string>, DeskError>
    readonly item: (digest: string) => Effect.Effect<Item, NotAtDesk | DeskError>
    /**
     * The classes that the live model knows, with the samples that it was trained on; replaces what was declared
     * before.
     */
    readonly declareClasses: (
      classes: ReadonlyArray<{ readonly column: string; readonly label: string; readonly trained: number }>
    ) => Effect.Effect<void, NotAtDesk | DeskError>
    /**
     * All classes of the columns, also those that people have added, the most frequent first: for type-ahead and grid.
     */
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
     * One class for one column of many items, as one change, which one undo takes back. In a column with several values it
     * is the only class of each set. Items that fail do not stop the others: they come back with their errors.
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
