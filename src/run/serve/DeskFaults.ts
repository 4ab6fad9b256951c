import { Schema } from "effect"
import { Column } from "./ColumnValue.ts"
import { Answer, Digest, Instant, ItemState, Name } from "./Item.ts"

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
