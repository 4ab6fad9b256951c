import { float, task } from "./Task.ts"

/** Clamps some numbers (the piece) to [0, high]. */
export const activation = task(
  ["x", "y", "length", "atOnce", "high"],
  ({ atOnce, high, length, x, y }, piece, { routines }) => {
    const from = piece * atOnce
    routines.clamp(x + from * float, y + from * float, Math.min(atOnce, length - from), high)
  }
)

/** The gradient through an activation, for some rows (the piece), and its sums by channel. */
export const activationGradient = task(
  ["dy", "y", "out", "sums", "rows", "rowsAtOnce", "channels", "high"],
  ({ channels, dy, high, out, rows, rowsAtOnce, sums, y }, piece, { floats, routines }) => {
    const from = piece * rowsAtOnce
    const count = Math.min(rowsAtOnce, rows - from)
    const offset = from * channels * float
    const target = sums + piece * channels * float
    floats.fill(0, target / float, target / float + channels)
    routines.activationGradient(dy + offset, y + offset, out + offset, target, count, channels, high)
  }
)
