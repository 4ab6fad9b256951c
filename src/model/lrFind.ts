import { elementAt } from "../pipeline/elementAt.ts"

/** One step of a sweep. */
export interface SweepStep {
  readonly learningRate: number
  /** Of the batch, nats. */
  readonly loss: number
  /** Of all batches so far, the last ones counting most. */
  readonly smoothedLoss: number
}

/** From the smallest rate to the largest in so many steps. */
export interface Sweep {
  readonly from: number
  readonly to: number
  readonly steps: number
}

/** Share of the average so far that each new loss leaves; fastai's. */
const beta = 0.98
/** A smoothed loss of more than so many times the smallest ends the sweep; fastai's. */
const tooMuch = 4

/** The rate of a step, from 0: every step multiplies it by the same factor. Source: Smith, 2015; fastai's `SchedExp`. */
export const sweepRate = ({ from, steps, to }: Sweep, step: number): number =>
  steps === 1 ? from : from * (to / from) ** (step / (steps - 1))

/**
 * A sweep with one step more. The smoothed loss is an exponential average with its bias corrected (Kingma and Ba, 2015):
 * Σ β^(n - i) loss_i (1 - β) / (1 - β^n). Source: fastai's `AvgSmoothLoss`.
 */
export const addStep = (
  steps: ReadonlyArray<SweepStep>,
  learningRate: number,
  loss: number
): ReadonlyArray<SweepStep> => {
  const before = steps.at(-1)?.smoothedLoss ?? 0
  const n = steps.length
  // The average before, without the bias correction.
  const average = beta * before * (1 - beta ** n) + (1 - beta) * loss
  return [...steps, { learningRate, loss, smoothedLoss: average / (1 - beta ** (n + 1)) }]
}

/**
 * Whether the last step's loss is so far above the smallest that further steps would show nothing. Source: fastai's
 * `LRFinder`.
 */
export const hasDiverged = (steps: ReadonlyArray<SweepStep>): boolean => {
  const last = steps.at(-1)?.smoothedLoss ?? 0
  return last > tooMuch * Math.min(...steps.map(({ smoothedLoss }) => smoothedLoss))
}

/**
 * The steps that suggestions are made of: without the first tenth, where nothing is learned yet, and without the last
 * five, where it goes wrong; all of them where fewer than two would be left. Source: fastai's `lr_find`.
 */
const telling = (steps: ReadonlyArray<SweepStep>, planned: number): ReadonlyArray<SweepStep> => {
  const middle = steps.slice(Math.floor(planned / 10), -5)
  return middle.length >= 2 ? middle : steps
}

/** Lengths of the longest falling subsequences that end at each loss. */
const fallingLengths = (losses: ReadonlyArray<number>): ReadonlyArray<number> => {
  const found: Array<{ readonly loss: number; readonly length: number }> = []
  for (const loss of losses) {
    const before = found.filter((one) => loss < one.loss)
    found.push({ loss, length: before.reduce((longest, { length }) => Math.max(longest, length), 0) + 1 })
  }
  return found.map(({ length }) => length)
}

/**
 * A rate in the middle of the longest valley: the longest falling subsequence of losses ends at a step; from as many
 * steps before it as it is long, half of the way to it in thirds is the suggestion.
 *
 * Source: fastai's `valley`, after ESRI's learning rate finder.
 */
const valley = (steps: ReadonlyArray<SweepStep>): number | null => {
  const lengths = fallingLengths(steps.map(({ smoothedLoss }) => smoothedLoss))
  const end = lengths.indexOf(Math.max(...lengths))
  const start = end - (lengths[end] ?? 0)
  const third = (end - start) / 3
  return steps[Math.max(0, start + Math.floor(third) + Math.floor(third / 2))]?.learningRate ?? null
}

/** The rate at which the loss falls fastest over the rate's logarithm. Source: Smith, 2015; fastai's `steep`. */
const steepest = (steps: ReadonlyArray<SweepStep>): number | null => {
  let best = { slope: Number.POSITIVE_INFINITY, learningRate: steps[0]?.learningRate ?? null }
  for (const [i, { learningRate, smoothedLoss }] of steps.slice(0, -1).entries()) {
    const next = elementAt(steps, i + 1)
    const slope = (next.smoothedLoss - smoothedLoss) / Math.log(next.learningRate / learningRate)
    if (slope < best.slope) best = { slope, learningRate }
  }
  return best.learningRate
}

/** The rates that a sweep suggests; null where it has no step. `planned` is how many steps it was to have. */
export const suggestions = (
  steps: ReadonlyArray<SweepStep>,
  planned: number
): { readonly valley: number | null; readonly steepest: number | null } => {
  const used = telling(steps, planned)
  return { valley: valley(used), steepest: steepest(used) }
}
