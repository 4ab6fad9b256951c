import * as channel from "./channelTasks.ts"
import * as matrix from "./matrixTasks.ts"
import type { Task } from "./Task.ts"
import { average, squares, update } from "./updateTasks.ts"

/** All tasks; threads call them by their number here. */
export const tasks: ReadonlyArray<Task> = [
  matrix.pack,
  matrix.place,
  matrix.convolve,
  matrix.filterGradient,
  channel.maxPool,
  channel.maxPoolGradient,
  channel.rectify,
  channel.total,
  channel.cut,
  channel.depthwiseConvolve,
  channel.depthwiseFilterGradient,
  channel.depthwiseInputGradient,
  squares,
  update,
  average
]
