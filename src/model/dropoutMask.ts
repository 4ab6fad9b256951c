import { draw } from "../pipeline/draw.ts"

/** Everything that a mask depends on, beside its length. */
export interface DropoutAt {
  readonly seed: number
  /** Of the run, from 0. */
  readonly step: number
  /** The block's name. */
  readonly block: string
  /** The probability with which a value is dropped. */
  readonly rate: number
}

/** How many masks are kept: those of the dropout blocks of one step, for sessions in the same step. */
const most = 8
const last = new Map<string, Float32Array>()

/**
 * One factor for each of some values: 1 / (1 - rate) where it is kept, with probability 1 - rate, else 0; drawn in the
 * values' order. The result must not be changed.
 *
 * The last masks are kept: drawing one takes most of a small head's step, and trials that are trained together have the
 * same seed, and so the same masks.
 */
export const dropoutMask = ({ block, rate, seed, step }: DropoutAt, length: number): Float32Array => {
  const key = `${seed} ${step} ${rate} ${length} ${block}`
  const known = last.get(key)
  if (known !== undefined) return known
  const random = draw(seed, step, "dropout", block)
  const kept = 1 / (1 - rate)
  const mask = new Float32Array(length)
  for (let i = 0; i < length; i++) mask[i] = random.next() >= rate ? kept : 0
  last.set(key, mask)
  const [oldest] = last.keys()
  if (last.size > most && oldest !== undefined) last.delete(oldest)
  return mask
}
