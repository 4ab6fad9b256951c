import { Clock, Effect, Layer, Option, Ref } from "effect"
import { duration, percent } from "../figures.ts"
import type { ProgressEvent } from "../Progress.ts"
import { Progress } from "../Progress.ts"

const bar = (done: number, total: number, width: number) => {
  const filled = total === 0 ? width : Math.round((width * Math.min(done, total)) / total)
  return `${"━".repeat(filled)}${"─".repeat(width - filled)}`
}

/** How much the engine waits for images, where that is worth a word. */
const waitingText = (share: number) => (share >= 0.05 ? [`waiting ${percent(share)}`] : [])

const ofTrial = (trial: string | undefined) => (trial === undefined ? "" : `${trial}: `)

/** The line that says an event; `animated` ones have a bar and are drawn over each other. */
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
      const figures = [
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
      return { text: `${head} ${bar(event.step, event.steps, barWidth)} ${figures.join("  ")}`, lasting: false }
    }
    case "Transfer": {
      const { bytesPerSecond, done, name, total } = event
      const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
      const left =
        total === undefined || bytesPerSecond <= 0 ? [] : [`${duration((total - done) / bytesPerSecond)} left`]
      const figures = [
        `${megabytes(done)}${total === undefined ? "" : `/${megabytes(total)}`} MB`,
        `${megabytes(bytesPerSecond)} MB/s`,
        ...left
      ]
      return { text: `${name} ${bar(done, total ?? done, barWidth)} ${figures.join("  ")}`, lasting: false }
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
      const figures = [`${record.imagesPerSecond.toFixed(0)} images/s`, duration(record.seconds)]
      const speed = [...figures, ...waitingText(record.waiting ?? 0)].join("  ")
      const head = `epoch ${String(record.epoch).padStart(String(event.epochs).length)}/${event.epochs}`
      return {
        text: `${ofTrial(event.trial)}${head}  ${train}${validation}  ${speed}${event.best ? "  *best" : ""}`,
        lasting: true
      }
    }
    case "Note":
      return { text: `${ofTrial(event.trial)}${event.line}`, lasting: true }
  }
}

/**
 * Progress on standard error: one line that is drawn again at most ten times a second on a terminal; elsewhere plain
 * lines, at most one every ten seconds beside those that last.
 */
export const layer = Layer.effect(
  Progress,
  Effect.gen(function* () {
    const animated = process.stderr.isTTY && process.env["TERM"] !== "dumb"
    // Where lines cannot be drawn over, the first one comes after ten seconds: short work is not talked about.
    const begin = animated ? Number.NEGATIVE_INFINITY : yield* Clock.currentTimeMillis
    const last = yield* Ref.make({ at: begin, drawn: false })
    const write = (text: string) => Effect.sync(() => void process.stderr.write(text))
    const columns = () => Option.getOrElse(Option.fromNullishOr(process.stderr.columns), () => 100)
    const clear = Effect.gen(function* () {
      if ((yield* Ref.get(last)).drawn) yield* write("\r\u001b[2K")
      yield* Ref.update(last, (state) => ({ ...state, drawn: false }))
    })
    yield* Effect.addFinalizer(() => clear)
    return Effect.fnUntraced(function* (event: ProgressEvent) {
      const now = yield* Clock.currentTimeMillis
      const { at } = yield* Ref.get(last)
      const { lasting, text: plain } = lineOf(event, 0)
      const text = animated ? lineOf(event, Math.max(0, Math.min(24, columns() - 1 - plain.length))).text : plain
      if (lasting) {
        yield* clear
        return yield* write(`${text}\n`)
      }
      if (now - at < (animated ? 100 : 10_000)) return
      yield* Ref.set(last, { at: now, drawn: animated })
      yield* write(animated ? `\r\u001b[2K${text.slice(0, columns() - 1)}` : `${text.replace(/ {2,}/g, "  ")}\n`)
    })
  })
)
