import { Clock, Effect, Layer, Ref } from "effect"
import { duration, percent } from "../../metrics/numberText.ts"
import type { SearchResult } from "../../run/search/SearchResult.ts"
import { isOver } from "../../run/search/SearchResult.ts"
import type { ProgressEvent } from "../../pipeline/Progress.ts"
import { Progress } from "../../pipeline/Progress.ts"
import { liveTrials, trialsLine } from "./liveTrials.ts"
import type { Terminal } from "./Screen.ts"
import { makeScreen } from "./Screen.ts"

const bar = (done: number, total: number, width: number) => {
  const filled = total === 0 ? width : Math.round((width * Math.min(done, total)) / total)
  return `${"━".repeat(filled)}${"─".repeat(width - filled)}`
}

/** The engine's wait for images, where it is long enough to mention. */
const waitingText = (share: number) => (share >= 0.05 ? [`waiting ${percent(share)}`] : [])

const ofTrial = (trial: string | undefined) => (trial === undefined ? "" : `${trial}: `)

/** The line of an event. Animated lines have a bar, and replace each other; lasting ones stay. */
export const lineOf = (
  event: ProgressEvent,
  barWidth: number
): { readonly text: string; readonly lasting: boolean } => {
  switch (event._tag) {
    case "Listing":
      return { text: `reading rows: ${event.rows}`, lasting: false }
    case "Checking": {
      const counts = `${event.done}/${event.total}${event.refused > 0 ? `, ${event.refused} refused` : ""}`
      return { text: `checking images ${bar(event.done, event.total, barWidth)} ${counts}`, lasting: false }
    }
    case "Step": {
      const parts = [
        `${event.step}/${event.steps}`,
        `${duration(event.secondsLeft)} left`,
        `${event.imagesPerSecond.toFixed(0)} images/s`,
        `loss ${event.loss.toFixed(4)}`,
        `accuracy ${percent(event.accuracy)}`,
        ...waitingText(event.waiting),
        ...(event.refused > 0 ? [`${event.refused} refused`] : [])
      ]
      const trials = event.trials === undefined ? "" : `${event.trials} ${event.trials === 1 ? "trial" : "trials"}, `
      const head = `${trials}epoch ${event.epoch + 1}/${event.epochs}`
      return { text: `${head} ${bar(event.step, event.steps, barWidth)} ${parts.join("  ")}`, lasting: false }
    }
    case "Transfer": {
      const { bytesPerSecond, done, name, total } = event
      const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
      const left =
        total === undefined || bytesPerSecond <= 0 ? [] : [`${duration((total - done) / bytesPerSecond)} left`]
      const parts = [
        `${megabytes(done)}${total === undefined ? "" : `/${megabytes(total)}`} MB`,
        `${megabytes(bytesPerSecond)} MB/s`,
        ...left
      ]
      return { text: `${name} ${bar(done, total ?? done, barWidth)} ${parts.join("  ")}`, lasting: false }
    }
    case "Evaluating":
      return {
        text: `${event.part} ${bar(event.done, event.total, barWidth)} ${event.done}/${event.total}`,
        lasting: false
      }
    case "Epoch": {
      const { record } = event
      const validation =
        record.validationLoss === null || record.validationAccuracy === null
          ? ""
          : `  validation ${record.validationLoss.toFixed(4)} ${percent(record.validationAccuracy)}`
      const train = `train ${record.trainLoss.toFixed(4)} ${percent(record.trainAccuracy)}`
      const parts = [`${record.imagesPerSecond.toFixed(0)} images/s`, duration(record.seconds)]
      const speed = [...parts, ...waitingText(record.waiting ?? 0)].join("  ")
      const head = `epoch ${String(record.epoch).padStart(String(event.epochs).length)}/${event.epochs}`
      return {
        text: `${ofTrial(event.trial)}${head}  ${train}${validation}  ${speed}${event.best ? "  *best" : ""}`,
        lasting: true
      }
    }
    case "Note":
      return { text: `${ofTrial(event.trial)}${event.line}`, lasting: true }
    case "Trials":
      return { text: trialsLine(event.search), lasting: false }
  }
}

/** Whether the event ends an animation, which is then erased: the next output may be on standard output. */
const isDone = (event: ProgressEvent): boolean => {
  switch (event._tag) {
    case "Checking":
    case "Evaluating":
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
  /** The line of an event, with a bar as long as there is room for. */
  const lineIn = (event: ProgressEvent, columns: number) => {
    const plain = lineOf(event, 0).text
    return lineOf(event, Math.max(0, Math.min(24, columns - plain.length))).text.slice(0, columns)
  }
  const tableLines = (table: SearchResult | undefined) => {
    // When nothing is left to do, the search's result is printed next.
    if (!animated || table === undefined || isOver(table)) return []
    const { columns, rows } = terminal.size()
    return liveTrials(table, { columns: columns - 1, rows: rows - 2 })
  }
  const lines = (event: ProgressEvent) =>
    event._tag === "Trials" || isDone(event) ? [] : [lineIn(event, terminal.size().columns - 1)]
  const plainLine = (event: ProgressEvent, table: SearchResult | undefined) =>
    [...(table === undefined || event._tag === "Trials" ? [] : [trialsLine(table)]), lineOf(event, 0).text]
      .join("; ")
      .replace(/ {2,}/g, "  ")
  return Effect.fnUntraced(function* (event: ProgressEvent) {
    if (event._tag === "Trials") yield* Ref.set(search, event.search)
    const table = yield* Ref.get(search)
    const { lasting, text } = lineOf(event, 0)
    if (lasting) return yield* Effect.sync(() => screen.say(text, tableLines(table)))
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
