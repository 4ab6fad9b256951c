import { draw } from "../pipeline/draw.ts"
import type { Network } from "./Network.ts"
import type { Parameter } from "./shapes.ts"
import { parameters } from "./shapes.ts"
import type { Tensor, Weights } from "./Tensor.ts"
import { sizeOf } from "./Tensor.ts"

/**
 * A parameter's first value; it depends on the seed and the parameter's name, and on nothing else.
 *
 * `torch` is uniform within 1 / sqrt(fanIn): what `kaiming_uniform_(a=sqrt(5))` amounts to in PyTorch's layers.
 * `xavier-uniform`: Glorot and Bengio, 2010. `he-normal`: He et al., 2015, fan in; or fan out.
 * `lecun-normal`: with the deviation 1 / sqrt(fanIn). `normal-0.01` and `normal-0.02`: with that deviation, as VGG's dense
 * layers and ConvNeXt's begin. Where torchvision truncates a normal distribution, it does so at 2, which no draw reaches.
 */
const initial = ({ init, name, shape }: Parameter, seed: number): Tensor => {
  const data = new Float32Array(sizeOf(shape))
  if (typeof init === "number") return { shape, data: data.fill(init) }
  const random = draw(seed, "initialise", name)
  const { fanIn, fanOut, kind } = init
  const deviations = {
    "he-normal": Math.sqrt(2 / fanIn),
    "he-normal-fan-out": Math.sqrt(2 / fanOut),
    "lecun-normal": Math.sqrt(1 / fanIn),
    "normal-0.01": 0.01,
    "normal-0.02": 0.02
  }
  if (kind !== "torch" && kind !== "xavier-uniform") {
    const deviation = deviations[kind]
    return { shape, data: data.map(() => deviation * random.normal()) }
  }
  const bound = kind === "torch" ? 1 / Math.sqrt(fanIn) : Math.sqrt(6 / (fanIn + fanOut))
  return { shape, data: data.map(() => random.between(-bound, bound)) }
}

/**
 * The weights that a network begins with, or those of them that `wants` wants; throws `ShapeMismatch` where a block
 * does not fit its input.
 */
export const initialise = (network: Network, seed: number, wants: (name: string) => boolean = () => true): Weights =>
  new Map(
    parameters(network).flatMap((parameter) =>
      wants(parameter.name) ? [[parameter.name, initial(parameter, seed)]] : []
    )
  )
