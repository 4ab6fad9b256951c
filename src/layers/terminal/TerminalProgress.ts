import { Clock, Effect, Layer, Ref } from "effect"
import { duration, percent } from "../../metrics/numberText.ts"
import type { Predicting } from "../../run/predict/Shards.ts"
import type { SearchResult } from "../../run/search/SearchResult.ts"
import { isOver } from "../../run/search/SearchResult.ts"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { Progress } from "../../pipeline/Progress.ts"
import { liveTrials, trialsLine } from "./liveTrials.ts"
import type { Terminal } from "./Screen.ts"
import { makeScreen } from "./Screen.ts"
import { wrapped } from "./wrapped.ts"

const bar = (done: number, total: number, width: number) => {
  const filled = total === 0 ? width : Math.round((width * Math.min(done, total)) / total)
  return `${"━".repeat(filled)}${"─".repeat(width - filled)}`
}

/** The engine's wait for images, where it is long enough to mention. */
const waitingText = (share: number) => (share >= 0.05 ? [`waiting ${percent(share)}`] : [])

const predictingParts = ({ done, photosPerSecond, secondsLeft, total, workers }: Predicting) => [
  `${done}/${total}`,
  ...(secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`]),
  `${photosPerSecond.toFixed(0)} photos/s`,
  ...(workers === undefined ? [] : [`${workers} ${workers === 1 ? "worker" : "workers"}`])
]

const ofTrial = (trial: string | undefined) => (trial === undefined ? "" : `${trial}: `)

/** A line of progress, in parts that a narrow terminal drops from the end. */
interface Line {
  readonly head: string
  /** Work that is done, of all there is; undefined for a line without a bar. */
  readonly bar?: { readonly done: number; readonly total: number }
  readonly parts: ReadonlyArray<string>
  /** It stays; others are drawn over each other. */
  readonly lasting: boolean
}

const lineParts = (event: ProgressEvent): Line => {
  switch (event._tag) {
    case "Listing":
      return { head: `reading rows: ${event.rows}`, parts: [], lasting: false }
    case "Checking": {
      const counts = `${event.done}/${event.total}${event.refused > 0 ? `, ${event.refused} refused` : ""}`
      return { head: "checking images", bar: event, parts: [counts], lasting: false }
    }
    case "Step": {
      const trials = event.trials === undefined ? "" : `${event.trials} ${event.trials === 1 ? "trial" : "trials"}, `
      return {
        head: `${trials}epoch ${event.epoch + 1}/${event.epochs}`,
        bar: { done: event.step, total: event.steps },
        parts: [
          `${event.step}/${event.steps}`,
          `${duration(event.secondsLeft)} left`,
          `${event.imagesPerSecond.toFixed(0)} images/s`,
          `loss ${event.loss.toFixed(4)}`,
          `accuracy ${percent(event.accuracy)}`,
          ...waitingText(event.waiting),
          ...(event.refused > 0 ? [`${event.refused} refused`] : [])
        ],
        lasting: false
      }
    }
    case "Transfer": {
      const { bytesPerSecond, done, name, total } = event
      const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
      const left =
        total === undefined || bytesPerSecond <= 0 ? [] : [`${duration((total - done) / bytesPerSecond)} left`]
      return {
        head: name,
        bar: { done, total: total ?? done },
        parts: [
          `${megabytes(done)}${total === undefined ? "" : `/${megabytes(total)}`} MB`,
          `${megabytes(bytesPerSecond)} MB/s`,
          ...left
        ],
        lasting: false
      }
    }
    case "Evaluating":
      return { head: event.part, bar: event, parts: [`${event.done}/${event.total}`], lasting: false }
    case "Predicting":
      return { head: "predicting", bar: event, parts: predictingParts(event), lasting: false }
    case "Epoch": {
      const { record } = event
      const validation =
        record.validationLoss === null || record.validationAccuracy === null
          ? []
          : [`validation ${record.validationLoss.toFixed(4)} ${percent(record.validationAccuracy)}`]
      const head = `epoch ${String(record.epoch).padStart(String(event.epochs).length)}/${event.epochs}`
      return {
        head: `${ofTrial(event.trial)}${head}`,
        parts: [
          `train ${record.trainLoss.toFixed(4)} ${percent(record.trainAccuracy)}`,
          ...validation,
          `${record.imagesPerSecond.toFixed(0)} images/s`,
          duration(record.seconds),
          ...waitingText(record.waiting ?? 0),
          ...(event.best ? ["*best"] : [])
        ],
        lasting: true
      }
    }
    case "Note":
      return { head: `${ofTrial(event.trial)}${event.line}`, parts: [], lasting: true }
    case "Trials":
      return { head: trialsLine(event.search), parts: [], lasting: false }
  }
}

/** A bar is as long as there is room for, within these bounds. */
const barWidths = { least: 6, most: 24 } as const

const gap = "  "

/** The line of an event with a bar of a length, whatever the terminal's width. */
export const lineOf = (
  event: ProgressEvent,
  barWidth: number
): { readonly text: string; readonly lasting: boolean } => {
  const { bar: work, head, lasting, parts } = lineParts(event)
  const lead = work === undefined ? head : `${head} ${bar(work.done, work.total, barWidth)}`
  const text = parts.length === 0 ? lead : lead + (work === undefined ? gap : " ") + parts.join(gap)
  return { text, lasting }
}

/**
 * The line of an event in so many columns: as many of its parts, the first ones first, as fit beside a bar of the least
 * length; then a bar of the length that is left.
 */
export const fittedLine = (event: ProgressEvent, columns: number): string => {
  const { bar: work, head, parts } = lineParts(event)
  if (work === undefined) return wrapped([head, ...parts].join(gap), columns)[0] ?? ""
  const room = columns - barWidths.least - 2
  // A name that is longer than the line, as of a download, is shortened; the bar stays.
  const name = head.length > room ? `${head.slice(0, Math.max(0, room - 1))}…` : head
  let shown = ""
  for (const part of parts) {
    const longer = shown === "" ? part : shown + gap + part
    if (name.length + longer.length > room) break
    shown = longer
  }
  const width = Math.min(barWidths.most, columns - name.length - shown.length - 2)
  return `${name} ${bar(work.done, work.total, width)}${shown === "" ? "" : ` ${shown}`}`
}

/** Whether the event ends an animation, which is then erased: the next output may be on standard output. */
const isDone = (event: ProgressEvent): boolean => {
  switch (event._tag) {
    case "Checking":
    case "Evaluating":
    case "Predicting":
    case "Transfer":
      return event.done === event.total
    case "Trials":
      return isOver(event.search)
    default:
      return false
  }
}

/**
 * Progress on a terminal or in a log, as a function of events.
 *
 * `animated`: a line that is redrawn at most ten times a second, below a search's table of trials. Otherwise plain
 * lines, at most one every ten seconds beside those that last.
 */
export const progressOn = Effect.fnUntraced(function* (terminal: Terminal, animated: boolean) {
  // Where lines cannot be redrawn, the first one comes after ten seconds, so that short work prints none.
  // By the monotonic clock: setting the wall clock back must not stop the progress.
  const last = yield* Ref.make(animated ? undefined : yield* Clock.currentTimeNanos)
  const search = yield* Ref.make<SearchResult | undefined>(undefined)
  const screen = makeScreen(terminal)
  yield* Effect.addFinalizer(() => Effect.sync(screen.clear))
  const tableLines = (table: SearchResult | undefined) => {
    // When nothing is left to do, the search's result is printed next.
    if (!animated || table === undefined || isOver(table)) return []
    const { columns, rows } = terminal.size()
    return liveTrials(table, { columns: columns - 1, rows: rows - 2 })
  }
  const lines = (event: ProgressEvent) =>
    event._tag === "Trials" || isDone(event) ? [] : [fittedLine(event, terminal.size().columns - 1)]
  const plainLine = (event: ProgressEvent, table: SearchResult | undefined) =>
    [...(table === undefined || event._tag === "Trials" ? [] : [trialsLine(table)]), lineOf(event, 0).text]
      .join("; ")
      .replace(/ {2,}/g, "  ")
  return Effect.fnUntraced(function* (event: ProgressEvent) {
    if (event._tag === "Trials") yield* Ref.set(search, event.search)
    const table = yield* Ref.get(search)
    const { lasting, text } = lineOf(event, 0)
    if (lasting)
      return yield* Effect.sync(() =>
        screen.say(animated ? wrapped(text, terminal.size().columns - 1).join("\n") : text, tableLines(table))
      )
    const now = yield* Clock.currentTimeNanos
    const before = yield* Ref.get(last)
    const isSoon = before !== undefined && now - before < (animated ? 100_000_000n : 10_000_000_000n)
    if (isSoon && !(animated && isDone(event))) return
    yield* Ref.set(last, now)
    yield* Effect.sync(() =>
      animated ? screen.draw([...tableLines(table), ...lines(event)]) : screen.say(plainLine(event, table), [])
    )
  })
})

/** Progress on standard error. */
export const layer = Layer.effect(
  Progress,
  Effect.suspend(() => {
    const { stderr } = process
    return progressOn(
      {
        write: (text) => void stderr.write(text),
        // A terminal of unknown size reports 0 rows and 0 columns.
        size: () => ({ columns: stderr.columns || 100, rows: stderr.rows || 24 })
      },
      stderr.isTTY && process.env["TERM"] !== "dumb"
    )
  })
)
