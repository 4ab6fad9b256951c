import { availableParallelism } from "node:os"

/**
 * How many threads this process may compute on: the environment's WEFT_THREADS, else one a processor.
 *
 * Several processes that train side by side divide the processors by it.
 */
export const processorThreads = (): number => {
  const set = Number(process.env["WEFT_THREADS"])
  return Number.isInteger(set) && set > 0 ? set : availableParallelism()
}
