import type { Freezing } from "./Engine.ts"
import { insideOf } from "./Block.ts"
import type { Block } from "./Block.ts"
import type { Network } from "./Network.ts"
import { inputShape, outputShape, parametersOfBlock } from "./shapes.ts"
import type { Shape } from "./shapes.ts"

/** The first block that is trained in an optimiser's step. */
export const firstTrained = (freezing: Freezing | undefined, step: number): number =>
  freezing?.stages.findLast((stage) => stage.step <= step)?.from ?? 0

/**
 * The names of the tensors that a session's steps ever change: weights that are ever trained, and their running
 * statistics unless these are kept. All other tensors keep every bit, and so would their average.
 */
export const everChanged = (network: Network, freezing: Freezing | undefined): ReadonlySet<string> => {
  const from = Math.min(...(freezing?.stages ?? [{ from: 0 }]).map((stage) => stage.from))
  const names = new Set<string>()
  let shape: Shape = inputShape(network)
  for (const [at, block] of network.blocks.entries()) {
    for (const { name, trainable } of parametersOfBlock(block, shape))
      if (at >= from && (trainable || freezing?.keepStatistics !== true)) names.add(name)
    shape = outputShape(block, shape)
  }
  return names
}

/** Whether any batch norm ever takes a batch's statistics. */
export const movesStatistics = (network: Network, freezing: Freezing | undefined): boolean => {
  if (freezing?.keepStatistics === true) return false
  const from = Math.min(...(freezing?.stages ?? [{ from: 0 }]).map((stage) => stage.from))
  const has = (blocks: ReadonlyArray<Block>): boolean =>
    blocks.some((block) => block._tag === "BatchNorm" || insideOf(block).some(has))
  return has(network.blocks.slice(from))
}

/**
 * The names of the weights that are ever trained, with the optimiser's step from which on they are. A weight's own steps
 * count from there, as PyTorch's do, whose optimisers begin a parameter's state with its first gradient.
 */
export const trainedSince = (network: Network, freezing: Freezing | undefined): ReadonlyMap<string, number> => {
  const stages = freezing?.stages ?? [{ step: 0, from: 0 }]
  const since = new Map<string, number>()
  let shape: Shape = inputShape(network)
  for (const [at, block] of network.blocks.entries()) {
    const first = stages.find(({ from }) => from <= at)
    if (first !== undefined)
      for (const { name, trainable } of parametersOfBlock(block, shape)) if (trainable) since.set(name, first.step)
    shape = outputShape(block, shape)
  }
  return since
}
