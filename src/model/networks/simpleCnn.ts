import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import { linearEnd } from "./heads.ts"

const convolution = (name: string, filters: number, kernel: number): ReadonlyArray<Block> => [
  {
    _tag: "Conv2d",
    name,
    filters,
    kernel: [kernel, kernel],
    stride: 1,
    padding: 0,
    bias: true,
    init: "torch"
  },
  { _tag: "Activation", kind: "relu" },
  { _tag: "MaxPool", size: 2, stride: 2, padding: 0 }
]

const dense = (name: string, units: number): Block => ({ _tag: "Dense", name, units, bias: true, init: "torch" })

const build = (options: NetworkOptions): Network => {
  const { height, width } = options
  const end = linearEnd(options, "fc3")
  return {
    name: "simple-cnn",
    height,
    width,
    ...end.logits,
    blocks: [
      ...convolution("conv1", 32, 5),
      ...convolution("conv2", 64, 3),
      ...convolution("conv3", 128, 3),
      ...convolution("conv4", 64, 3),
      { _tag: "Flatten" },
      dense("fc1", 512),
      { _tag: "Activation", kind: "relu" },
      { _tag: "Dropout", name: "dropout1", rate: 0.5 },
      dense("fc2", 256),
      { _tag: "Activation", kind: "relu" },
      ...end.blocks
    ]
  }
}

/**
 * SimpleCNN, the benchmark of the reference experiment: four convolutions, two hidden dense layers.
 *
 * Any input of at least 48 pixels either way; at 224x224 and 70 classes it has 5,036,998 parameters.
 */
export const simpleCnn: Architecture<"simple-cnn"> = {
  name: "simple-cnn",
  build,
  classifier: "fc3",
  hasHeads: false,
  hasPadding: false
}
