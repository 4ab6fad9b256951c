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

const biased = (name: string, weight: ReadonlyArray<number>): Shapes => [
  [`${name}.weight`, weight],
  [`${name}.bias`, weight.slice(0, 1)]
]

/** The numbers of a squeeze-and-excitation, whose layers are convolutions of one pixel. */
const gate = (name: string, channels: number, squeezed: number): Shapes => [
  ...biased(`${name}.se.conv_reduce`, [squeezed, channels, 1, 1]),
  ...biased(`${name}.se.conv_expand`, [channels, squeezed, 1, 1])
]

/** A block of MobileNetV3 or EfficientNet; `squeezed` is 0 where it has no gate. */
type Mobile = readonly [before: number, inner: number, after: number, kernel: number, squeezed: number]

const mobileBlock = (name: string, [before, inner, after, kernel, squeezed]: Mobile): Shapes => {
  const se = squeezed === 0 ? [] : gate(name, inner, squeezed)
  return before === inner
    ? [
        [`${name}.conv_dw.weight`, [inner, 1, kernel, kernel]],
        ...norm(`${name}.bn1`, inner),
        ...se,
        [`${name}.conv_pw.weight`, [after, inner, 1, 1]],
        ...norm(`${name}.bn2`, after)
      ]
    : [
        [`${name}.conv_pw.weight`, [inner, before, 1, 1]],
        ...norm(`${name}.bn1`, inner),
        [`${name}.conv_dw.weight`, [inner, 1, kernel, kernel]],
        ...norm(`${name}.bn2`, inner),
        ...se,
        [`${name}.conv_pwl.weight`, [after, inner, 1, 1]],
        ...norm(`${name}.bn3`, after)
      ]
}

const mobileBlocks = (stages: ReadonlyArray<ReadonlyArray<Mobile>>): Shapes =>
  stages.flatMap((blocks, stage) => blocks.flatMap((block, index) => mobileBlock(`blocks.${stage}.${index}`, block)))

/** Names and shapes of timm's mobilenetv3_large_100. Source: its models/mobilenetv3.py and _efficientnet_blocks.py. */
export const mobilenetv3_large_100 = (classes: number): Shapes => [
  ["conv_stem.weight", [16, 3, 3, 3]],
  ...norm("bn1", 16),
  ...mobileBlocks([
    [[16, 16, 16, 3, 0]],
    [
      [16, 64, 24, 3, 0],
      [24, 72, 24, 3, 0]
    ],
    [
      [24, 72, 40, 5, 24],
      [40, 120, 40, 5, 32],
      [40, 120, 40, 5, 32]
    ],
    [
      [40, 240, 80, 3, 0],
      [80, 200, 80, 3, 0],
      [80, 184, 80, 3, 0],
      [80, 184, 80, 3, 0]
    ],
    [
      [80, 480, 112, 3, 120],
      [112, 672, 112, 3, 168]
    ],
    [
      [112, 672, 160, 5, 168],
      [160, 960, 160, 5, 240],
      [160, 960, 160, 5, 240]
    ]
  ]),
  ["blocks.6.0.conv.weight", [960, 160, 1, 1]],
  ...norm("blocks.6.0.bn1", 960),
  ...biased("conv_head", [1280, 960, 1, 1]),
  ...biased("classifier", [classes, 1280])
]

/** Names and shapes of timm's efficientnet_b0. Source: its models/efficientnet.py and _efficientnet_blocks.py. */
export const efficientnet_b0 = (classes: number): Shapes => [
  ["conv_stem.weight", [32, 3, 3, 3]],
  ...norm("bn1", 32),
  ...mobileBlocks([
    [[32, 32, 16, 3, 8]],
    [
      [16, 96, 24, 3, 4],
      [24, 144, 24, 3, 6]
    ],
    [
      [24, 144, 40, 5, 6],
      [40, 240, 40, 5, 10]
    ],
    [
      [40, 240, 80, 3, 10],
      [80, 480, 80, 3, 20],
      [80, 480, 80, 3, 20]
    ],
    [
      [80, 480, 112, 5, 20],
      [112, 672, 112, 5, 28],
      [112, 672, 112, 5, 28]
    ],
    [
      [112, 672, 192, 5, 28],
      [192, 1152, 192, 5, 48],
      [192, 1152, 192, 5, 48],
      [192, 1152, 192, 5, 48]
    ],
    [[192, 1152, 320, 3, 48]]
  ]),
  ["conv_head.weight", [1280, 320, 1, 1]],
  ...norm("bn2", 1280),
  ...biased("classifier", [classes, 1280])
]

const convnext =
  (widths: ReadonlyArray<number>, depths: ReadonlyArray<number>, hasConvolutions: boolean) =>
  (classes: number): Shapes => {
    const pixel = hasConvolutions ? [1, 1] : []
    const last = widths.at(-1) ?? 0
    return [
      ...biased("stem.0", [widths[0] ?? 0, 3, 4, 4]),
      ...biased("stem.1", [widths[0] ?? 0]),
      ...widths.flatMap((width, stage): Shapes => {
        const before = widths[stage - 1] ?? 0
        const down: Shapes =
          stage === 0
            ? []
            : [
                ...biased(`stages.${stage}.downsample.0`, [before]),
                ...biased(`stages.${stage}.downsample.1`, [width, before, 2, 2])
              ]
        const blocks = Array.from({ length: depths[stage] ?? 0 }, (_, index): Shapes => {
          const name = `stages.${stage}.blocks.${index}`
          return [
            [`${name}.gamma`, [width]],
            ...biased(`${name}.conv_dw`, [width, 1, 7, 7]),
            ...biased(`${name}.norm`, [width]),
            ...biased(`${name}.mlp.fc1`, [4 * width, width, ...pixel]),
            ...biased(`${name}.mlp.fc2`, [width, 4 * width, ...pixel])
          ]
        })
        return [...down, ...blocks.flat()]
      }),
      ...biased("head.norm", [last]),
      ...biased("head.fc", [classes, last])
    ]
  }

/** Names and shapes of timm's convnext_tiny, and of its convnext_atto. Source: its models/convnext.py. */
export const convnext_tiny = convnext([96, 192, 384, 768], [3, 3, 9, 3], false)
export const convnext_atto = convnext([40, 80, 160, 320], [2, 2, 6, 2], true)

const vit =
  (width: number) =>
  (classes: number): Shapes => [
    ["cls_token", [1, 1, width]],
    ["pos_embed", [1, 197, width]],
    ...biased("patch_embed.proj", [width, 3, 16, 16]),
    ...Array.from({ length: 12 }, (_, i): Shapes => [
      ...biased(`blocks.${i}.norm1`, [width]),
      ...biased(`blocks.${i}.attn.qkv`, [3 * width, width]),
      ...biased(`blocks.${i}.attn.proj`, [width, width]),
      ...biased(`blocks.${i}.norm2`, [width]),
      ...biased(`blocks.${i}.mlp.fc1`, [4 * width, width]),
      ...biased(`blocks.${i}.mlp.fc2`, [width, 4 * width])
    ]).flat(),
    ...biased("norm", [width]),
    ...biased("head", [classes, width])
  ]

/** Names and shapes of timm's vit_small_patch16_224 and vit_base_patch16_224. Source: its models/vision_transformer.py. */
export const vit_small_patch16_224 = vit(384)
export const vit_base_patch16_224 = vit(768)
