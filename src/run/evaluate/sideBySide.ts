import { slotKinds } from "../../model/optimizer.ts"
import { parameters } from "../../model/shapes.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { Beginning } from "../train/openLearner.ts"

/** Of the machine's memory; the rest is for images, what a step computes, and others. */
const share = 0.5

/** Bytes of what an engine holds of a learner between and in its steps: weights, gradients, slots, an average. */
export const bytesOf = ({ config, tail }: Pick<Beginning, "config" | "tail">): number => {
  const { ema, optimizer } = config.train
  const numbers = parameters(tail).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return 4 * numbers * (2 + slotKinds(optimizer).length + (ema === undefined ? 0 : 1))
}

/** Cuts learners into groups, in their order, that are small enough to be in the memory at the same time; one always is. */
export const sideBySide = <A>(
  learners: ReadonlyArray<A>,
  bytesOf: (learner: A) => number,
  memory: number
): ReadonlyArray<ReadonlyArray<A>> => {
  const groups: Array<Array<A>> = []
  let bytes = 0
  for (const learner of learners) {
    const more = bytesOf(learner)
    const last = groups.at(-1)
    if (last === undefined || bytes + more > share * memory) {
      groups.push([learner])
      bytes = more
    } else {
      last.push(learner)
      bytes += more
    }
  }
  return groups
}
