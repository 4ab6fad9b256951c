import { Schema } from "effect"
import { between } from "../config/Setting.ts"
import { apportion } from "./apportion.ts"
import { draw } from "./draw.ts"
import { elementAt } from "./elementAt.ts"
import { order } from "./order.ts"

/** Which samples an epoch has, and how often. */
export const Sampling = Schema.Union([
  Schema.Literals(["shuffle", "balanced"]),
  Schema.Struct({
    power: between(0, 1).annotate({ description: "0: as many samples of each class; 1: as many as there are" })
  })
])
export type Sampling = typeof Sampling.Type

/** A sample in an epoch's order. */
export type Drawn<A> = A & {
  /** How often it has come before in this epoch; left out the first time. */
  readonly repeat?: number | undefined
}

/**
 * How many of an epoch's samples are of each class: proportional to the class's samples to the power, rounded (largest
 * remainder). They add up to all samples. A class that has samples has one at least.
 *
 * Power 0: class-balanced sampling; 0.5: square-root sampling. Sources: Mahajan et al., Exploring the Limits of Weakly
 * Supervised Pretraining, 2018; Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, 2020.
 */
export const classQuotas = (sizes: ReadonlyArray<number>, power: number): ReadonlyArray<number> =>
  apportion(
    sizes.reduce((sum, size) => sum + size, 0),
    sizes.map((size) => (size === 0 ? 0 : size ** power)),
    0
  )

/**
 * The order of an epoch in which classes are sampled by `power`: as many indexes as there are samples.
 *
 * Every sample of a class comes equally often, or once more than the others; which ones do is drawn anew for each epoch.
 * Depends on (seed, epoch) and the samples' classes, and nothing else.
 */
const sampledOrder = (
  samples: ReadonlyArray<{ readonly label: number }>,
  power: number,
  seed: number,
  epoch: number
): Uint32Array => {
  const members: Array<Array<number>> = []
  samples.forEach(({ label }, index) => {
    ;(members[label] ??= []).push(index)
  })
  const sizes = Array.from(members, (some) => some?.length ?? 0)
  const chosen: Array<number> = []
  classQuotas(sizes, power).forEach((quota, label) => {
    const own = [...(members[label] ?? [])]
    if (own.length === 0) return
    for (let round = Math.floor(quota / own.length); round > 0; round--) chosen.push(...own)
    const { below } = draw(seed, epoch, "sampling", label)
    for (let i = 0; i < quota % own.length; i++) {
      const other = i + below(own.length - i)
      const index = elementAt(own, other)
      own[other] = elementAt(own, i)
      chosen.push(index)
    }
  })
  return order(chosen.length, seed, epoch).map((place) => elementAt(chosen, place))
}

/** The order of an epoch, as indexes into the training samples, as `train.sampling` says. */
export const epochOrder = (
  samples: ReadonlyArray<{ readonly label: number }>,
  sampling: Sampling | undefined,
  seed: number,
  epoch: number
): Uint32Array =>
  sampling === undefined || sampling === "shuffle"
    ? order(samples.length, seed, epoch)
    : sampledOrder(samples, sampling === "balanced" ? 0 : sampling.power, seed, epoch)

/** The samples of an epoch in its order; one that comes again says how often it has come before. */
export const drawnSamples = <A extends object>(
  samples: ReadonlyArray<A>,
  order: Uint32Array
): ReadonlyArray<Drawn<A>> => {
  const times = new Uint32Array(samples.length)
  return Array.from(order, (index) => {
    const sample = elementAt(samples, index)
    const repeat = elementAt(times, index)
    times[index] = repeat + 1
    return repeat === 0 ? sample : { ...sample, repeat }
  })
}
