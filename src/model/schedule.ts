import { constant } from "./schedules/constant.ts"
import { cosine } from "./schedules/cosine.ts"
import { oneCycle } from "./schedules/oneCycle.ts"
import type { Schedule, ScheduleSettings } from "./schedules/Schedule.ts"
import { step } from "./schedules/step.ts"

/** Every schedule that a configuration can name: a new one is a file and a line here. */
export const schedules = [constant, step, cosine, oneCycle] as const

export type ScheduleKind = (typeof schedules)[number]["kind"]

/** What of a training's configuration the learning rate depends on. */
interface Configured {
  readonly epochs: number
  readonly learningRate: number
  readonly schedule: ScheduleSettings & { readonly kind: ScheduleKind }
}

// One for each kind: the list's type says which they are.
const byKind = Object.fromEntries(schedules.map((one) => [one.kind, one])) as Record<ScheduleKind, Schedule>

/**
 * The learning rate of a step, counted from 0 over the whole run.
 *
 * A run of a single step has the full rate (constant, step, cosine) or the last one (one-cycle).
 */
export const learningRateAt = (
  { epochs, learningRate, schedule }: Configured,
  { step, stepsPerEpoch }: { readonly step: number; readonly stepsPerEpoch: number }
): number =>
  byKind[schedule.kind].rateAt(schedule, { step, stepsPerEpoch, steps: stepsPerEpoch * epochs, learningRate })

/** Whether the learning rate of a step depends on how many epochs the run has. */
export const dependsOnEpochs = ({ schedule }: Pick<Configured, "schedule">): boolean =>
  byKind[schedule.kind].dependsOnTotal(schedule)
