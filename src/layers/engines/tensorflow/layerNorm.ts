import type { LayerNorm } from "../../../model/Block.ts"
import { layerNorm as composed } from "../tfjs/layerNorm.ts"
import type { Kernel } from "../tfjs/Pass.ts"
import { weightOf } from "../tfjs/Pass.ts"
import { channelSums } from "./channelSums.ts"
import { isInLanes } from "./lanes.ts"
import type { Runner } from "./Runner.ts"

/** See the block. Forward and backward are one operation of Weft's own each, which keeps the input alone. */
export const layerNorm =
  (run: Runner): Kernel<typeof LayerNorm.Type> =>
  (block, input, pass) => {
    if (!isInLanes(run, input)) return composed({ channelSums: channelSums(run) })(block, input, pass)
    const weight = weightOf(pass, block, "weight")
    const inputs = [input, weight, weightOf(pass, block, "bias")]
    const [output, mean, inverse] = run.many("WeftLayerNorm", [run.number("epsilon", block.eps)], inputs, 3)
    return {
      output,
      backward: (dy, wanted) => {
        const [dx, scale, offset] = run.many("WeftLayerNormGrad", [], [dy, input, weight, mean, inverse], 3)
        pass.gradients.set(`${block.name}.weight`, scale)
        pass.gradients.set(`${block.name}.bias`, offset)
        return wanted ? dx : undefined
      }
    }
  }
