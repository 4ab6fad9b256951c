import { double, float, task } from "./Task.ts"

/** Rows that `channelSums` adds up in float32, before it goes on in float64. */
const rowsInFloat32 = 32

/**
 * The sums by channel of some rows (the piece): of a few rows in float32, and of these sums in float64. `sums` has room
 * for a row of float64 for each piece, and `few` for one of float32 for each thread.
 */
export const channelSums = task(
  ["x", "sums", "few", "rows", "rowsAtOnce", "channels"],
  ({ channels, few, rows, rowsAtOnce, sums, x }, piece, { floats, routines, thread }) => {
    const to = Math.min(rows, (piece + 1) * rowsAtOnce)
    const own = few + thread * channels * float
    const part = floats.subarray(own / float, own / float + channels)
    const whole = new Float64Array(floats.buffer, sums + piece * channels * double, channels)
    whole.fill(0)
    for (let row = piece * rowsAtOnce; row < to; row += rowsInFloat32) {
      part.fill(0)
      routines.total(x + row * channels * float, own, Math.min(rowsInFloat32, to - row), channels)
      for (let c = 0; c < channels; c++) whole[c]! += part[c]!
    }
  }
)
