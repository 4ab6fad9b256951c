import type { NonEmptyArray } from "effect/Array"
import { slotKinds } from "../../model/optimizer.ts"
import { parameters } from "../../model/shapes.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { PreparedRun } from "./open.ts"

/** Share of the machine's memory for runs; the rest is for images, activations, and other programs. */
const share = 0.5

/** Bytes of a run in an engine, without activations: weights, gradients, the optimiser's slots, an average. */
export const bytesOf = ({ config, tail }: Pick<PreparedRun, "config" | "tail">): number => {
  const { average, optimizer } = config.train
  const numbers = parameters(tail).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return 4 * numbers * (2 + slotKinds(optimizer).length + (average === undefined ? 0 : 1))
}

/** Groups of runs, in their order, each small enough to be in memory at the same time; a single run always is. */
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
