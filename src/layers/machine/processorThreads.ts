import { availableParallelism } from "node:os"

/**
 * How many threads this process may compute on: the environment's WEFT_THREADS, else one a processor.
 *
 * Processes that train side by side use it to divide the processors.
 */
export const processorThreads = (): number => {
  const set = Number(process.env["WEFT_THREADS"])
  return Number.isInteger(set) && set > 0 ? set : availableParallelism()
}
