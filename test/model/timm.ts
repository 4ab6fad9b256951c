type Shapes = ReadonlyArray<readonly [name: string, shape: ReadonlyArray<number>]>

const norm = (name: string, channels: number): Shapes => [
  ...["weight", "bias", "running_mean", "running_var"].map((part) => [`${name}.${part}`, [channels]] as const),
  [`${name}.num_batches_tracked`, []]
]

/** Channels before and after, and whether the block widens first, of each block of each stage. */
const stages = [
  [[32, 16, false]],
  [
    [16, 24, true],
    [24, 24, true]
  ],
  [
    [24, 32, true],
    [32, 32, true],
    [32, 32, true]
  ],
  [
    [32, 64, true],
    [64, 64, true],
    [64, 64, true],
    [64, 64, true]
  ],
  [
    [64, 96, true],
    [96, 96, true],
    [96, 96, true]
  ],
  [
    [96, 160, true],
    [160, 160, true],
    [160, 160, true]
  ],
  [[160, 320, true]]
] as const

/**
 * Names and shapes of timm's mobilenetv2_100 for a number of classes, as its safetensors files have them.
 *
 * Compared with the state dictionary of timm 1.0.29. Source: its models/efficientnet.py, _efficientnet_blocks.py.
 */
export const mobilenetv2_100 = (classes: number): Shapes => [
  ["conv_stem.weight", [32, 3, 3, 3]],
  ...norm("bn1", 32),
  ...stages.flatMap((blocks, stage) =>
    blocks.flatMap(([before, after, widens], index): Shapes => {
      const name = `blocks.${stage}.${index}`
      const inner = before * 6
      return widens
        ? [
            [`${name}.conv_pw.weight`, [inner, before, 1, 1]],
            ...norm(`${name}.bn1`, inner),
            [`${name}.conv_dw.weight`, [inner, 1, 3, 3]],
            ...norm(`${name}.bn2`, inner),
            [`${name}.conv_pwl.weight`, [after, inner, 1, 1]],
            ...norm(`${name}.bn3`, after)
          ]
        : [
            [`${name}.conv_dw.weight`, [before, 1, 3, 3]],
            ...norm(`${name}.bn1`, before),
            [`${name}.conv_pw.weight`, [after, before, 1, 1]],
            ...norm(`${name}.bn2`, after)
          ]
    })
  ),
  ["conv_head.weight", [1280, 320, 1, 1]],
  ...norm("bn2", 1280),
  ["classifier.weight", [classes, 1280]],
  ["classifier.bias", [classes]]
]

/** Where VGG16's convolutions are, and their filters. */
const convolutions = [
  [0, 3, 64],
  [2, 64, 64],
  [5, 64, 128],
  [7, 128, 128],
  [10, 128, 256],
  [12, 256, 256],
  [14, 256, 256],
  [17, 256, 512],
  [19, 512, 512],
  [21, 512, 512],
  [24, 512, 512],
  [26, 512, 512],
  [28, 512, 512]
] as const

/** Names and shapes of timm's vgg16; its dense layers are convolutions. Compared as above. */
export const vgg16 = (classes: number): Shapes => [
  ...convolutions.flatMap(([index, before, after]): Shapes => [
    [`features.${index}.weight`, [after, before, 3, 3]],
    [`features.${index}.bias`, [after]]
  ]),
  ["pre_logits.fc1.weight", [4096, 512, 7, 7]],
  ["pre_logits.fc1.bias", [4096]],
  ["pre_logits.fc2.weight", [4096, 4096, 1, 1]],
  ["pre_logits.fc2.bias", [4096]],
  ["head.fc.weight", [classes, 4096]],
  ["head.fc.bias", [classes]]
]
