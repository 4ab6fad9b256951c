import type { Block } from "../Block.ts"
import type { Network } from "../Network.ts"
import type { Head } from "./heads.ts"
import { head } from "./heads.ts"

/** Filters of the convolutions before each pooling. Source: Simonyan and Zisserman, 2014, table 1, column D. */
const stages = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512]
] as const

const relu: Block = { _tag: "Activation", kind: "relu" }

/**
 * VGG16 with torchvision's names (`features.N`, `classifier.N`).
 *
 * Any input of 32 pixels or more either way: the last image is averaged to 7x7, which it is at 224x224. With the head
 * `fc` and 1,000 classes it is the original, of 138,357,544 parameters; the two dense layers of 4,096 with their
 * dropout of 0.5 stay. Source: Simonyan and Zisserman, Very Deep Convolutional Networks, 2014.
 */
export const vgg16 = (options: {
  readonly height: number
  readonly width: number
  readonly classes: number
  readonly head: Head
}): Network => {
  const { classes, height, width } = options
  const features: Array<Block> = []
  // As torchvision counts: a convolution, its rectifier and a pooling are one each.
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
    classes,
    blocks: [
      ...features,
      { _tag: "AdaptiveAveragePool", size: [7, 7] },
      { _tag: "Flatten" },
      ...hidden(0),
      ...hidden(3),
      ...head(options.head, "classifier.6", classes)
    ]
  }
}
