import type { EdgePadding } from "../Architecture.ts"
import type { Activation, BatchNorm, Block } from "../Block.ts"

type Kind = (typeof Activation.Type)["kind"]

/** A convolution without bias, or one of each channel by itself; the output is as large as the input over the stride. */
export interface Convolution {
  /** Filters; undefined for one filter a channel. */
  readonly filters: number | undefined
  readonly kernel: 1 | 3 | 5
  readonly stride: number
}

/**
 * The layers of torchvision's `Conv2dNormActivation`: `name.0` the convolution, `name.1` its batch norm. TensorFlow's
 * padding goes with the settings of TensorFlow's batch norm, whatever those of PyTorch are. Source of both: timm's
 * `tf_` networks.
 */
export const layersOf = (padding: EdgePadding | undefined, norm: Pick<typeof BatchNorm.Type, "eps" | "momentum">) => {
  const isSame = padding === "same"
  const settings = isSame ? { eps: 1e-3, momentum: 0.01 } : norm
  const normalised = (name: string, { filters, kernel, stride }: Convolution): ReadonlyArray<Block> => {
    const shared = {
      name: `${name}.0`,
      kernel: [kernel, kernel],
      stride,
      padding: isSame ? "same" : (kernel - 1) / 2,
      bias: false,
      init: "he-normal-fan-out"
    } as const
    return [
      filters === undefined ? { _tag: "DepthwiseConv2d", ...shared } : { _tag: "Conv2d", ...shared, filters },
      { _tag: "BatchNorm", name: `${name}.1`, ...settings }
    ]
  }
  const activated = (name: string, convolution: Convolution, kind: Kind): ReadonlyArray<Block> => [
    ...normalised(name, convolution),
    { _tag: "Activation", kind }
  ]
  return { normalised, activated }
}

/**
 * A squeeze-and-excitation, as torchvision has it: `name.fc1` and `name.fc2` are convolutions of the one pixel that is the
 * mean of all.
 */
export const gate = (name: string, squeezed: number, channels: number, inner: Kind, outer: Kind): Array<Block> => {
  const convolution = (part: string, filters: number): Block => ({
    _tag: "Conv2d",
    name: `${name}.${part}`,
    filters,
    kernel: [1, 1],
    stride: 1,
    padding: 0,
    bias: true,
    init: "he-normal-fan-out"
  })
  return [
    {
      _tag: "Gate",
      blocks: [
        { _tag: "AdaptiveAveragePool", size: [1, 1] },
        convolution("fc1", squeezed),
        { _tag: "Activation", kind: inner },
        convolution("fc2", channels),
        { _tag: "Activation", kind: outer }
      ]
    }
  ]
}
