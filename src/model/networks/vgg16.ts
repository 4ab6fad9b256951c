import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import type { Tensor } from "../Tensor.ts"
import { headedEnd } from "./heads.ts"
import type { NamePair } from "./renamed.ts"
import { renamed } from "./renamed.ts"

/** Filters of the convolutions before each pooling. Source: Simonyan and Zisserman, 2014, table 1, column D. */
const stages = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512]
] as const

const relu: Block = { _tag: "Activation", kind: "relu" }

const build = (options: NetworkOptions): Network => {
  const { height, width } = options
  const end = headedEnd(options, "classifier.6")
  const features: Array<Block> = []
  // As torchvision counts: a convolution, its activation and a pooling are one each.
  let index = 0
  for (const stage of stages) {
    for (const filters of stage) {
      features.push({
        _tag: "Conv2d",
        name: `features.${index}`,
        filters,
        kernel: [3, 3],
        stride: 1,
        padding: 1,
        bias: true,
        init: "he-normal-fan-out"
      })
      features.push(relu)
      index += 2
    }
    features.push({ _tag: "MaxPool", size: 2, stride: 2, padding: 0 })
    index++
  }
  const hidden = (at: number): ReadonlyArray<Block> => [
    { _tag: "Dense", name: `classifier.${at}`, units: 4096, bias: true, init: "normal-0.01" },
    relu,
    { _tag: "Dropout", name: `classifier.${at + 2}`, rate: 0.5 }
  ]
  return {
    name: "vgg16",
    height,
    width,
    ...end.logits,
    blocks: [
      ...features,
      { _tag: "AdaptiveAveragePool", size: [7, 7] },
      { _tag: "Flatten" },
      ...hidden(0),
      ...hidden(3),
      ...end.blocks
    ]
  }
}

const names: ReadonlyArray<NamePair> = [
  ["pre_logits.fc1.", "classifier.0."],
  ["pre_logits.fc2.", "classifier.3."],
  ["head.fc.", "classifier.6."]
]

/** timm has VGG's two hidden dense layers as convolutions: of the 7x7 image, and of the one pixel that is left. */
const reshaped = (name: string, { data, shape }: Tensor): Tensor => {
  const side = name === "pre_logits.fc1.weight" ? 7 : name === "pre_logits.fc2.weight" ? 1 : undefined
  if (side === undefined) return { data, shape }
  const [units, inputs] = shape as readonly [number, number] // a dense layer's weight
  return { data, shape: [units, inputs / (side * side), side, side] }
}

/**
 * VGG16 with torchvision's names (`features.N`, `classifier.N`).
 *
 * Any input of 32 pixels or more either way: the last image is averaged to 7x7, which it is at 224x224. With the head
 * `fc` and 1,000 classes it is the original, of 138,357,544 parameters; the two dense layers of 4,096 with their
 * dropout of 0.5 stay. Sources: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014; for
 * timm's names its models/vgg.py.
 */
export const vgg16: Architecture<"vgg16"> = {
  name: "vgg16",
  build,
  classifier: "classifier.6",
  hasHeads: true,
  hasPadding: false,
  timm: {
    toOurs: (name) => renamed(names, name, "ours"),
    toTimm: (name) => renamed(names, name, "timm"),
    reshaped
  }
}
