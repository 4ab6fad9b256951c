import { Clock, Effect } from "effect"
import type { EpochRecord } from "../../../metrics/Report.ts"
import type { LoggedRun, RunLogger } from "../../RunLogger.ts"
import { readSteps, strideOf } from "../StepSpan.ts"
import { eventFile, events } from "./eventFile.ts"

const file = "tensorboard/events.out.tfevents.weft"

/**
 * Writes a run's curves for TensorBoard as they come, where the configuration says so.
 *
 * A run that begins or goes on has a new file with the epochs that its checkpoint has, so that no step is in it twice and
 * nothing is left of what a kill cut off. Each further epoch is appended and flushed: who has the file open sees it.
 */
export const tensorboardLogger: RunLogger = Effect.fn("tensorboard.begin")(function* (run: LoggedRun) {
  if (!run.config.tensorboard) return undefined
  const { folder, history } = run
  const now = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)
  // Steps of an epoch that is not done come with it.
  const perEpoch = Math.ceil(run.samples.train / run.config.train.batchSize)
  const known = (yield* readSteps(folder)).filter(({ step }) => step <= history.length * perEpoch)
  const stride = strideOf(run.config.train.epochs * perEpoch)
  let lastEpoch = history.length
  let lastStep = known.at(-1)?.step ?? 0
  yield* folder.write(file, eventFile(history, known, yield* now))

  const append = Effect.fnUntraced(function* (all: ReadonlyArray<EpochRecord>, isLast: boolean) {
    const spans = (yield* readSteps(folder)).filter(({ step }) => step > lastStep)
    // The newest span may grow in the next epoch: its mean is written once it is whole.
    const whole = spans.filter((span, i) => isLast || i < spans.length - 1 || span.step % stride === 0)
    const fresh = all.slice(lastEpoch)
    if (fresh.length === 0 && whole.length === 0) return
    yield* folder.append(file, events(fresh, whole, yield* now))
    lastEpoch = all.length
    lastStep = whole.at(-1)?.step ?? lastStep
  })
  let latest = history
  return {
    epoch: (all) => {
      latest = all
      return append(all, all.length >= run.config.train.epochs)
    },
    ended: () => append(latest, true)
  }
})
