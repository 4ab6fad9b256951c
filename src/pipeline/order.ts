import { elementAt } from "./elementAt.ts"
import { draw } from "./draw.ts"

/**
 * The order of an epoch: a permutation of 0 to `samples` - 1 that depends on (seed, epoch) and nothing else.
 *
 * Fisher and Yates' shuffle, as R. Durstenfeld wrote it (1964).
 */
export const order = (samples: number, seed: number, epoch: number): Uint32Array => {
  const indexes = Uint32Array.from({ length: samples }, (_, index) => index)
  const { below } = draw(seed, epoch, "order")
  for (let last = samples - 1; last > 0; last--) {
    const chosen = below(last + 1)
    const index = elementAt(indexes, chosen)
    indexes[chosen] = elementAt(indexes, last)
    indexes[last] = index
  }
  return indexes
}
