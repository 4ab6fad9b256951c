import type { Report } from "../../metrics/Report.ts"
import { dependsOnEpochs, learningRateAt } from "../../model/schedule.ts"
import type { RunConfig } from "../../config/RunConfig.ts"

/** Two digits are enough for a learning rate. */
const rate = (value: number) => String(Number(value.toPrecision(2)))

/**
 * What other epochs do to the learning rate of a run that goes on, in a sentence; undefined where the epochs are the same.
 * `finished` is the report of the run, where it had come to its end.
 */
export const scheduleNote = (
  { train: before }: RunConfig,
  { train: after }: RunConfig,
  finished: Report | undefined
): string | undefined => {
  if (before.epochs === after.epochs) return undefined
  const epochs = `${after.epochs} ${after.epochs === 1 ? "epoch" : "epochs"} instead of ${before.epochs}`
  const { kind } = after.schedule
  if (!dependsOnEpochs(after))
    return `${epochs}: the schedule ${kind} does not depend on how many there are, and the run goes on as one of ${after.epochs} from its beginning`
  const stepsPerEpoch = finished === undefined ? 0 : Math.ceil(finished.data.train / after.batchSize)
  const step = (finished?.history.length ?? 0) * stepsPerEpoch
  const last = finished?.history.at(-1)?.learningRate
  const rates =
    last === undefined || finished === undefined || finished.history.length >= after.epochs
      ? ""
      : ` (${rate(learningRateAt(after, { step, stepsPerEpoch }))} at the next step; the last one had ${rate(last)})`
  return (
    `${epochs}: the schedule ${kind} spans all epochs, so the rate goes on where that of a run of ${after.epochs} would be${rates}. ` +
    `The weights will not be those of a run of ${after.epochs} epochs from its beginning`
  )
}
