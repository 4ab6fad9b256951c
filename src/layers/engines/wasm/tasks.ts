import { activation, activationGradient } from "./activation.ts"
import { average } from "./average.ts"
import { channelSums } from "./channelSums.ts"
import { depthwiseConvolve, depthwiseFilterGradient, depthwiseInputGradient } from "./depthwiseConv2d.ts"
import { convolve, filterGradient, pack, place } from "./matrixTasks.ts"
import { maxPool, maxPoolGradient } from "./maxPool.ts"
import type { Task } from "./Task.ts"
import { squares, update } from "./update.ts"

/** All tasks; threads call them by their number here. */
export const tasks: ReadonlyArray<Task> = [
  pack,
  place,
  convolve,
  filterGradient,
  maxPool,
  maxPoolGradient,
  activation,
  activationGradient,
  channelSums,
  depthwiseConvolve,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  squares,
  update,
  average
]

/** The task of a number. */
export const taskAt = (number: number): Task => {
  const found = tasks[number]
  if (found === undefined) throw new Error(`there is no task ${number}: the last one is ${tasks.length - 1}`)
  return found
}
