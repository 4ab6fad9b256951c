import type { NonEmptyArray } from "effect/Array"
import { slotKinds } from "../../model/optimizer.ts"
import { parameters } from "../../model/shapes.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { PreparedRun } from "./open.ts"

/** Of the machine's memory; the rest is for images, what a step computes, and others. */
const share = 0.5

/** Bytes of what an engine holds of a run between and in its steps: weights, gradients, slots, an average. */
export const bytesOf = ({ config, tail }: Pick<PreparedRun, "config" | "tail">): number => {
  const { ema, optimizer } = config.train
  const numbers = parameters(tail).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return 4 * numbers * (2 + slotKinds(optimizer).length + (ema === undefined ? 0 : 1))
}

/** Runs in groups, in their order, that are small enough to be in the memory at the same time; one always is. */
export const sideBySide = <A>(
  runs: ReadonlyArray<A>,
  bytesOf: (run: A) => number,
  memory: number
): ReadonlyArray<NonEmptyArray<A>> => {
  const groups: Array<NonEmptyArray<A>> = []
  let bytes = 0
  for (const run of runs) {
    const more = bytesOf(run)
    const last = groups.at(-1)
    if (last === undefined || bytes + more > share * memory) {
      groups.push([run])
      bytes = more
    } else {
      last.push(run)
      bytes += more
    }
  }
  return groups
}
