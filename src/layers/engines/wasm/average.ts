import { moveAverage } from "../../../model/average.ts"
import { float, task } from "./Task.ts"
import { chunk } from "./update.ts"

/** Moves an average to a weight, in place, for some numbers (the piece). */
export const average = task(["average", "weight", "length", "share"], (args, piece, { floats }) => {
  const from = piece * chunk
  const to = Math.min(from + chunk, args.length)
  const part = (address: number) => floats.subarray(address / float + from, address / float + to)
  moveAverage(part(args.average), part(args.weight), args.share)
})
