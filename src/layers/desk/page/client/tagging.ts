/** What happens to the photos in hand while somebody tags them. Pure: the page shows it, tests and the bench play it. */
import type { Answer, ColumnValue, Task } from "../../../../run/serve/Desk.ts"
import { folded, listed, rank } from "./ranking.ts"
import type { Frequent } from "./ranking.ts"

/** A photo in hand. */
export interface Card {
  readonly task: Task
  /** What is chosen for each column; undefined: nothing yet. */
  readonly chosen: ReadonlyArray<string | null | undefined>
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
  /** The key that adds a class was pressed once. */
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
  /** Who answered it. */
  readonly operator: string | null
}

export const cardOf = (task: Task): Card => ({ task, chosen: task.columns.map(() => undefined), conflict: null })

/** Whether something is chosen on a card: it is not given up then. */
export const isBegun = ({ chosen }: Card): boolean => chosen.some((one) => one !== undefined)

const valueIn = (values: ReadonlyArray<ColumnValue>, column: string): string | null =>
  values.find((one) => one.column === column)?.value ?? null

/** Whether a column waits for an answer: the others may be changed, and need not be. */
const waits = ({ chosen, conflict, task }: Card, at: number): boolean => {
  const column = task.columns[at]
  if (column === undefined || chosen[at] !== undefined) return false
  if (conflict !== null) return conflict.mine.some((one) => one.column === column.column)
  if (task.lease.task === "settle")
    return new Set(task.opinions.map(({ values }) => valueIn(values, column.column))).size > 1
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

const suggestionsOf = (card: Card, column: number): ReadonlyArray<Option> =>
  (card.task.columns[column]?.suggestions ?? [])
    .slice(0, 5)
    .map(({ label, probability }) => ({ label, from: "model", probability, operator: null }))

/** What stands before the suggestions: answers that exist already. */
const answersOf = (card: Card, column: string): ReadonlyArray<Option> => {
  if (card.conflict !== null) {
    const { mine, theirs } = card.conflict
    const their = theirs === null ? null : valueIn(theirs.values, column)
    const my = valueIn(mine, column)
    return [
      ...(their === null
        ? []
        : [{ label: their, from: "operator" as const, probability: null, operator: theirs?.operator ?? null }]),
      ...(my === null || my === their ? [] : [{ label: my, from: "mine" as const, probability: null, operator: null }])
    ]
  }
  if (card.task.lease.task === "settle")
    return card.task.opinions.flatMap(({ operator, values }) => {
      const label = valueIn(values, column)
      return label === null ? [] : [{ label, from: "operator" as const, probability: null, operator }]
    })
  const now = card.task.columns.find((one) => one.column === column)?.value ?? null
  return now === null ? [] : [{ label: now, from: "now", probability: null, operator: null }]
}

/** The lines of the list, as the digits choose them. */
export const optionsOf = (
  { cards: [card], column, typed }: Tagging,
  classes: (column: string) => ReadonlyArray<Frequent>
): ReadonlyArray<Option> => {
  const name = card?.task.columns[column]?.column
  if (card === undefined || name === undefined) return []
  const suggested = suggestionsOf(card, column)
  if (typed.trim() === "") {
    const lines = new Map<string, Option>()
    for (const option of [...answersOf(card, name), ...suggested]) {
      const earlier = lines.get(option.label)
      if (earlier === undefined) lines.set(option.label, option)
      else if (earlier.probability === null) lines.set(option.label, { ...earlier, probability: option.probability })
    }
    return [...lines.values()].slice(0, listed)
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
  return [...found.slice(0, listed - fresh.length), ...fresh]
}

/** What is to be sent for a card that is done; `keep`: what others answered stands, and nothing is sent. */
export type Done =
  | { readonly card: Card; readonly send: "answer"; readonly values: readonly [ColumnValue, ...Array<ColumnValue>] }
  | { readonly card: Card; readonly send: "skip" }
  | { readonly card: Card; readonly send: "keep" }

export interface Step {
  readonly tagging: Tagging
  readonly done: Done | null
  /** What the page should say: nothing is highlighted; the key adds a class if pressed again. */
  readonly say: "nothing" | "add" | null
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
    if (values.every(({ column, value }) => value !== null && valueIn(theirs.values, column) === value))
      return { tagging: after, done: { card, send: "keep" }, say: null }
  }
  const nothing = values.every(({ value }) => value === null) && values.length === card.task.columns.length
  return {
    tagging: after,
    done: nothing && conflict === null ? { card, send: "skip" } : { card, send: "answer", values: [...values] },
    say: null
  }
}

const choose = (tagging: Tagging, value: string | null): Step => {
  const [card] = tagging.cards
  if (card === undefined) return only(tagging)
  return put(tagging, { ...card, chosen: card.chosen.map((one, at) => (at === tagging.column ? value : one)) })
}

/** Takes a line of the list. A class that nobody has used is added by the same key once more. */
export const take = (tagging: Tagging, options: ReadonlyArray<Option>, line: number | null): Step => {
  const option = options[line ?? tagging.line]
  if (option === undefined) return { tagging, done: null, say: "nothing" }
  if (option.from === "new" && !tagging.adding)
    return { tagging: { ...tagging, adding: true, line: line ?? tagging.line }, done: null, say: "add" }
  return choose(tagging, option.label)
}

/** Takes the first line of every column that waits, the highlighted one of this column. */
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
    step = take(step.tagging, lines, 0)
    if (step.say !== null) return { ...before, say: step.say }
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

/** Takes back the last column of this card; null: nothing is chosen here, and the last change is to be taken back. */
export const back = (tagging: Tagging): Tagging | null => {
  const [card, ...others] = tagging.cards
  if (card === undefined) return null
  const before = card.chosen.findLastIndex((value) => value !== undefined)
  if (before < 0) return null
  const chosen = card.chosen.map((value, at) => (at === before ? undefined : value))
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
