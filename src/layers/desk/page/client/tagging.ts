/** What happens to the photos in hand while somebody tags them. Pure: the page shows it, tests and the bench play it. */
import type { ColumnValue, Value } from "../../../../run/serve/ColumnValue.ts"
import type { Answer } from "../../../../run/serve/Item.ts"
import type { Task } from "../../../../run/serve/Task.ts"
import { folded, listed, rank } from "./ranking.ts"
import type { Frequent } from "./ranking.ts"
import { labelsIn, sameValue } from "./value.ts"

/** A photo in hand. */
export interface Card {
  readonly task: Task
  /** What is chosen for each column; undefined: nothing yet. */
  readonly chosen: ReadonlyArray<Value | null | undefined>
  /** Of columns with several values, what is ticked and not yet chosen; undefined: as it was suggested. */
  readonly ticks: ReadonlyArray<ReadonlyArray<string> | undefined>
  /** Somebody else answered first: what holds now (null: it is not shown), and what was answered here. */
  readonly conflict: {
    readonly id: string
    readonly theirs: Answer | null
    readonly mine: ReadonlyArray<ColumnValue>
  } | null
}

export interface Tagging {
  /** The first one is shown. */
  readonly cards: ReadonlyArray<Card>
  /** The column that is being answered. */
  readonly column: number
  readonly typed: string
  readonly asText: boolean
  /** The highlighted line. */
  readonly line: number
  /** The key that adds a class, or says that none applies, was pressed once. */
  readonly adding: boolean
}

export const nothingInHand: Tagging = { cards: [], column: 0, typed: "", asText: false, line: 0, adding: false }

/** A line of the list. */
export interface Option {
  readonly label: string
  /** Why it is there: the model, its name, an answer that exists, or that nothing has this name. */
  readonly from: "model" | "name" | "now" | "mine" | "operator" | "new"
  /** The model's, where it is shown. */
  readonly probability: number | null
  /** In a column with several values: from which probability on the model takes it to apply, and whether it is ticked. */
  readonly threshold?: number | undefined
  readonly ticked?: boolean
  /** Who answered it. */
  readonly operator: string | null
}

export const cardOf = (task: Task): Card => ({
  task,
  chosen: task.columns.map(() => undefined),
  ticks: task.columns.map(() => undefined),
  conflict: null
})

/** Whether something is chosen on a card: it is not given up then. */
export const isBegun = ({ chosen, ticks }: Card): boolean =>
  chosen.some((one) => one !== undefined) || ticks.some((one) => one !== undefined)

const valueIn = (values: ReadonlyArray<ColumnValue>, column: string): Value | null =>
  values.find((one) => one.column === column)?.value ?? null

/** Whether a column of a card may have several values. */
export const isSeveral = (card: Card | undefined, column: number): boolean =>
  card?.task.columns[column]?.several === true

/** Whether a column waits for an answer: the others may be changed, and need not be. */
const waits = ({ chosen, conflict, task }: Card, at: number): boolean => {
  const column = task.columns[at]
  if (column === undefined || chosen[at] !== undefined) return false
  if (conflict !== null) return conflict.mine.some((one) => one.column === column.column)
  if (task.lease.task === "settle")
    return task.opinions.some(
      ({ values }) => !sameValue(valueIn(values, column.column), valueIn(task.opinions[0]?.values ?? [], column.column))
    )
  return column.value === null
}

/** The first column from `from` on that waits, also before it; undefined: the card is complete. */
const waiting = (card: Card, from: number): number | undefined => {
  const { length } = card.task.columns
  for (let step = 0; step < length; step++) if (waits(card, (from + step) % length)) return (from + step) % length
  return undefined
}

/** Shows the first card from its start. */
const atStart = (tagging: Tagging): Tagging => {
  const [card] = tagging.cards
  return { ...nothingInHand, cards: tagging.cards, column: card === undefined ? 0 : (waiting(card, 0) ?? 0) }
}

/** Adds cards after those in hand; those that are there already stay where they are. */
export const withTasks = (tagging: Tagging, tasks: ReadonlyArray<Task>, where: "front" | "end"): Tagging => {
  const there = new Set(tagging.cards.map(({ task }) => task.digest))
  if (where === "end") {
    const cards = [...tagging.cards, ...tasks.filter(({ digest }) => !there.has(digest)).map(cardOf)]
    return tagging.cards.length === 0 ? atStart({ ...tagging, cards }) : { ...tagging, cards }
  }
  const again = new Set(tasks.map(({ digest }) => digest))
  return atStart({
    ...tagging,
    cards: [...tasks.map(cardOf), ...tagging.cards.filter(({ task }) => !again.has(task.digest))]
  })
}

/** Without some photos: another tab has answered them, or their lease is lost. */
export const without = (tagging: Tagging, gone: (card: Card) => boolean): Tagging => {
  const cards = tagging.cards.filter((card) => !gone(card))
  if (cards.length === tagging.cards.length) return tagging
  return cards[0] === tagging.cards[0] ? { ...tagging, cards } : atStart({ ...tagging, cards })
}

/** Puts a photo whose answer was refused in front, but behind the one that is looked at. */
export const withConflict = (tagging: Tagging, card: Card): Tagging => {
  const [shown, ...others] = tagging.cards.filter(({ task }) => task.digest !== card.task.digest)
  const cards = shown === undefined ? [card] : [shown, card, ...others]
  return tagging.cards[0] === shown && shown !== undefined ? { ...tagging, cards } : atStart({ ...tagging, cards })
}

/** Whether a model takes a class of a column with several values to apply. */
const applies = ({ probability, threshold }: Task["columns"][number]["suggestions"][number]) =>
  threshold !== undefined && probability >= threshold

const suggestionsOf = (card: Card, column: number): ReadonlyArray<Option> =>
  (card.task.columns[column]?.suggestions ?? [])
    .filter((one, place) => place < 5 || applies(one))
    .map(({ label, probability, threshold }) => ({
      label,
      from: "model",
      probability,
      ...(threshold !== undefined && { threshold }),
      operator: null
    }))

const linesOf = (value: Value | null, from: Option["from"], operator: string | null): ReadonlyArray<Option> =>
  labelsIn(value).map((label) => ({ label, from, probability: null, operator }))

/** What stands before the suggestions: answers that exist already. */
const answersOf = (card: Card, column: string): ReadonlyArray<Option> => {
  if (card.conflict !== null) {
    const { mine, theirs } = card.conflict
    const their = theirs === null ? null : valueIn(theirs.values, column)
    const my = valueIn(mine, column)
    return [...linesOf(their, "operator", theirs?.operator ?? null), ...linesOf(my, "mine", null)]
  }
  if (card.task.lease.task === "settle")
    return card.task.opinions.flatMap(({ operator, values }) => linesOf(valueIn(values, column), "operator", operator))
  return linesOf(card.task.columns.find((one) => one.column === column)?.value ?? null, "now", null)
}

/** What is ticked in a column with several values: at first what holds, or what the model takes to apply. */
export const tickedOf = (card: Card, column: number): ReadonlyArray<string> => {
  const ticks = card.ticks[column]
  const shown = card.task.columns[column]
  if (ticks !== undefined || shown === undefined) return ticks ?? []
  const { column: name, suggestions, value } = shown
  const { conflict, task } = card
  const held =
    conflict !== null
      ? (valueIn(conflict.theirs?.values ?? [], name) ?? valueIn(conflict.mine, name))
      : task.lease.task === "settle"
        ? valueIn(task.opinions[0]?.values ?? [], name)
        : value
  return held === null ? suggestions.filter(applies).map(({ label }) => label) : labelsIn(held)
}

/** The lines of the list, as the digits choose them. */
export const optionsOf = (
  { cards: [card], column, typed }: Tagging,
  classes: (column: string) => ReadonlyArray<Frequent>
): ReadonlyArray<Option> => {
  const name = card?.task.columns[column]?.column
  if (card === undefined || name === undefined) return []
  const suggested = suggestionsOf(card, column)
  const ticked = isSeveral(card, column) ? tickedOf(card, column) : undefined
  const withTicks = (option: Option): Option =>
    ticked === undefined ? option : { ...option, ticked: ticked.includes(option.label) }
  if (typed.trim() === "") {
    const lines = new Map<string, Option>()
    const added = linesOf(ticked ?? null, "name", null)
    for (const option of [...answersOf(card, name), ...suggested, ...added]) {
      const earlier = lines.get(option.label)
      if (earlier === undefined) lines.set(option.label, option)
      else if (earlier.probability === null)
        lines.set(option.label, {
          ...earlier,
          probability: option.probability,
          ...(option.threshold !== undefined && { threshold: option.threshold })
        })
    }
    // What is ticked is always seen.
    return [...lines.values()].map(withTicks).filter((one, place) => place < listed || one.ticked === true)
  }
  const known = classes(name)
  const found = rank(known, typed).map((label): Option => ({
    label,
    from: "name",
    probability: suggested.find((one) => one.label === label)?.probability ?? null,
    operator: null
  }))
  const label = typed.trim().normalize("NFC")
  const exists = known.some((one) => folded(one.label) === folded(label))
  const fresh: ReadonlyArray<Option> = exists ? [] : [{ label, from: "new", probability: null, operator: null }]
  return [...found.slice(0, listed - fresh.length), ...fresh].map(withTicks)
}

/** What is to be sent for a card that is done; `keep`: what others answered stands, and nothing is sent. */
export type Done =
  | { readonly card: Card; readonly send: "answer"; readonly values: readonly [ColumnValue, ...Array<ColumnValue>] }
  | { readonly card: Card; readonly send: "skip" }
  | { readonly card: Card; readonly send: "keep" }

export interface Step {
  readonly tagging: Tagging
  readonly done: Done | null
  /**
   * What the page should say: nothing is highlighted; the key, pressed again, adds a class, or says that none applies.
   */
  readonly say: "nothing" | "add" | "none" | null
}

const only = (tagging: Tagging): Step => ({ tagging, done: null, say: null })

/** The card with what is chosen now, which goes when it is complete. */
const put = (tagging: Tagging, card: Card): Step => {
  const next = waiting(card, tagging.column)
  const [, ...others] = tagging.cards
  if (next !== undefined) return only({ ...nothingInHand, cards: [card, ...others], column: next })
  const after = atStart({ ...tagging, cards: others })
  const [first, ...more] = card.task.columns.flatMap(({ column }, at) => {
    const value = card.chosen[at]
    return value === undefined ? [] : [{ column, value }]
  })
  if (first === undefined) return { tagging: after, done: { card, send: "keep" }, say: null }
  const values = [first, ...more] as const
  const { conflict } = card
  if (conflict !== null && conflict.theirs !== null) {
    const { theirs } = conflict
    if (values.every(({ column, value }) => value !== null && sameValue(valueIn(theirs.values, column), value)))
      return { tagging: after, done: { card, send: "keep" }, say: null }
  }
  const nothing = values.every(({ value }) => value === null) && values.length === card.task.columns.length
  return {
    tagging: after,
    done: nothing && conflict === null ? { card, send: "skip" } : { card, send: "answer", values: [...values] },
    say: null
  }
}

const choose = (tagging: Tagging, value: Value | null): Step => {
  const [card] = tagging.cards
  if (card === undefined) return only(tagging)
  return put(tagging, { ...card, chosen: card.chosen.map((one, at) => (at === tagging.column ? value : one)) })
}

/** Ticks a class of a column with several values, or no longer. */
const tick = (tagging: Tagging, label: string, line: number): Tagging => {
  const [card, ...others] = tagging.cards
  if (card === undefined) return tagging
  const before = tickedOf(card, tagging.column)
  const after = before.includes(label) ? before.filter((one) => one !== label) : [...before, label]
  const ticks = card.ticks.map((one, at) => (at === tagging.column ? after : one))
  return {
    ...cleared(tagging),
    cards: [{ ...card, ticks }, ...others],
    // The next name is typed; else the line stays that was ticked.
    line: tagging.typed === "" ? line : 0
  }
}

/** Chooses what is ticked. That none applies is said by the same key once more. */
const confirm = (tagging: Tagging): Step => {
  const [card] = tagging.cards
  if (card === undefined) return only(tagging)
  const ticked = tickedOf(card, tagging.column)
  return ticked.length === 0 && !tagging.adding
    ? { tagging: { ...tagging, adding: true }, done: null, say: "none" }
    : choose(tagging, ticked)
}

/**
 * Takes a line of the list. A class that nobody has used is added by the same key once more. In a column with several
 * values a line is ticked, or no longer; without a line, and with nothing typed, all that is ticked is chosen.
 */
export const take = (tagging: Tagging, options: ReadonlyArray<Option>, line: number | null): Step => {
  const several = isSeveral(tagging.cards[0], tagging.column)
  if (several && line === null && tagging.typed === "") return confirm(tagging)
  const option = options[line ?? tagging.line]
  if (option === undefined) return { tagging, done: null, say: "nothing" }
  if (option.from === "new" && !tagging.adding)
    return { tagging: { ...tagging, adding: true, line: line ?? tagging.line }, done: null, say: "add" }
  return several ? only(tick(tagging, option.label, line ?? tagging.line)) : choose(tagging, option.label)
}

/**
 * Takes the first line of every column that waits, what is ticked where there may be several; of this column the
 * highlighted line.
 */
export const takeAll = (
  tagging: Tagging,
  options: ReadonlyArray<Option>,
  classes: (column: string) => ReadonlyArray<Frequent>
): Step => {
  let step = take(tagging, options, null)
  const [card] = tagging.cards
  while (step.done === null && step.say === null && step.tagging.cards[0]?.task.digest === card?.task.digest) {
    const lines = optionsOf(step.tagging, classes)
    const before = step
    step = take(step.tagging, lines, isSeveral(step.tagging.cards[0], step.tagging.column) ? null : 0)
    if (step.say !== null) return step.say === "none" ? step : { ...before, say: step.say }
  }
  return step
}

/** Leaves this column without a value. */
export const leaveEmpty = (tagging: Tagging): Step => choose(tagging, null)

/** The card goes without an answer. Of a conflict, what others answered stands. */
export const skip = (tagging: Tagging): Step => {
  const [card, ...others] = tagging.cards
  if (card === undefined) return only(tagging)
  return {
    tagging: atStart({ ...tagging, cards: others }),
    done: { card, send: card.conflict === null ? "skip" : "keep" },
    say: null
  }
}

/**
 * Takes back what is ticked here, or the last column of this card; null: nothing is chosen here, and the last change is
 * to be taken back.
 */
export const back = (tagging: Tagging): Tagging | null => {
  const [card, ...others] = tagging.cards
  if (card === undefined) return null
  const { column } = tagging
  if (card.ticks[column] !== undefined && card.chosen[column] === undefined)
    return { ...cleared(tagging), cards: [{ ...card, ticks: card.ticks.with(column, undefined) }, ...others] }
  const before = card.chosen.findLastIndex((value) => value !== undefined)
  if (before < 0) return null
  const chosen = card.chosen.with(before, undefined)
  return { ...nothingInHand, cards: [{ ...card, chosen }, ...others], column: before }
}

export const typing = (tagging: Tagging, typed: string): Tagging => ({ ...tagging, typed, line: 0, adding: false })

/** Without what is typed. */
export const cleared = (tagging: Tagging): Tagging => ({ ...tagging, typed: "", asText: false, line: 0, adding: false })

export const move = (tagging: Tagging, options: ReadonlyArray<Option>, by: number): Tagging =>
  options.length === 0
    ? tagging
    : { ...tagging, line: (tagging.line + by + options.length) % options.length, adding: false }

export const toColumn = (tagging: Tagging, by: number): Tagging => {
  const count = tagging.cards[0]?.task.columns.length ?? 1
  return { ...nothingInHand, cards: tagging.cards, column: (tagging.column + by + count) % count }
}
