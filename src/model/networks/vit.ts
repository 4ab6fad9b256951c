import { Array as Arrays } from "effect"
import type { Architecture, NetworkOptions } from "../Architecture.ts"
import type { Block, Initialiser } from "../Block.ts"
import type { Network } from "../Network.ts"
import { ShapeMismatch } from "../shapes.ts"
import { headedEnd } from "./heads.ts"
import type { NamePair } from "./renamed.ts"
import { renamed, twoGroups } from "./renamed.ts"

interface Layout {
  readonly name: string
  readonly width: number
  readonly heads: number
}

/** Sides of a patch, and layers. */
const patch = 16
const depth = 12

const positions = "encoder.pos_embedding"

/** The nearest sides that are whole patches: a side itself, or the ones below and above it. */
const nearestSides = (side: number): string =>
  Arrays.dedupe([Math.floor(side / patch), Math.ceil(side / patch)].map((count) => Math.max(1, count) * patch)).join(
    " or "
  )

const build =
  ({ heads, name, width: channels }: Layout) =>
  (options: NetworkOptions): Network => {
    const { height, width } = options
    // Otherwise pixels at the edges would be left out silently.
    if (height % patch !== 0 || width % patch !== 0)
      throw new ShapeMismatch(
        "conv_proj",
        [height, width, 3],
        `multiples of ${patch} pixels: a height of ${nearestSides(height)} and a width of ${nearestSides(width)} are the nearest`
      )
    const end = headedEnd(options, "heads.head")
    const norm = (name: string): Block => ({ _tag: "LayerNorm", name, eps: 1e-6 })
    const dense = (name: string, units: number, init: Initialiser = "xavier-uniform"): Block => ({
      _tag: "Dense",
      name,
      units,
      bias: true,
      init
    })
    const layer = (path: string): ReadonlyArray<Block> => [
      {
        _tag: "Residual",
        blocks: [norm(`${path}.ln_1`), { _tag: "Attention", name: `${path}.self_attention`, heads }]
      },
      {
        _tag: "Residual",
        blocks: [
          norm(`${path}.ln_2`),
          dense(`${path}.mlp.0`, 4 * channels),
          { _tag: "Activation", kind: "gelu" },
          dense(`${path}.mlp.3`, channels)
        ]
      }
    ]
    return {
      name,
      height,
      width,
      ...end.logits,
      blocks: [
        {
          _tag: "Conv2d",
          name: "conv_proj",
          filters: channels,
          kernel: [patch, patch],
          stride: patch,
          padding: 0,
          bias: true,
          init: "lecun-normal"
        },
        { _tag: "Tokens" },
        { _tag: "ClassToken", name: "class_token" },
        { _tag: "PositionEmbedding", name: positions },
        ...Array.from({ length: depth }, (_, i) => layer(`encoder.layers.encoder_layer_${i}`)).flat(),
        // The norm is of each token by itself: that of the others is not needed.
        { _tag: "FirstToken" },
        norm("encoder.ln"),
        ...end.blocks
      ]
    }
  }

const ends: ReadonlyArray<NamePair> = [
  ["cls_token", "class_token"],
  ["pos_embed", positions],
  ["patch_embed.proj.", "conv_proj."],
  ["norm.", "encoder.ln."],
  ["head.", "heads.head."]
]

const inside: ReadonlyArray<NamePair> = [
  ["norm1.", "ln_1."],
  ["attn.qkv.", "self_attention.in_proj_"],
  ["attn.proj.", "self_attention.out_proj."],
  ["norm2.", "ln_2."],
  ["mlp.fc1.", "mlp.0."],
  ["mlp.fc2.", "mlp.3."]
]

const toOurs = (name: string): string => {
  const match = twoGroups(/^blocks\.(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "ours")
  const [index, rest] = match
  return `encoder.layers.encoder_layer_${index}.${renamed(inside, rest, "ours")}`
}

const toTimm = (name: string): string => {
  const match = twoGroups(/^encoder\.layers\.encoder_layer_(\d+)\.(.*)$/, name)
  if (match === undefined) return renamed(ends, name, "timm")
  const [index, rest] = match
  return `blocks.${index}.${renamed(inside, rest, "timm")}`
}

const facts = {
  classifier: "heads.head",
  hasHeads: true,
  hasPadding: false,
  timm: { toOurs, toTimm },
  positions: { name: positions, patch }
} as const

/**
 * ViT-S/16: 22,050,664 parameters at 224x224 with the head `fc` and 1,000 classes. Height and width are multiples of 16;
 * the position embeddings of weights that were trained at another size are resampled. No dropout.
 *
 * Sources: Touvron et al., Training data-efficient image transformers, 2021 (the size); named as torchvision names ViT-B/16;
 * for timm's names its vit_small_patch16_224 (vision_transformer.py).
 */
export const vitS16: Architecture<"vit-s16"> = {
  name: "vit-s16",
  build: build({ name: "vit-s16", width: 384, heads: 6 }),
  ...facts
}

/**
 * ViT-B/16: 86,567,656 parameters at 224x224 with the head `fc` and 1,000 classes. Height and width are multiples of 16;
 * the position embeddings of weights that were trained at another size are resampled. No dropout.
 *
 * Sources: Dosovitskiy et al., An Image is Worth 16x16 Words, 2020; names are torchvision's vit_b_16; for timm's its
 * vit_base_patch16_224 (vision_transformer.py).
 */
export const vitB16: Architecture<"vit-b16"> = {
  name: "vit-b16",
  build: build({ name: "vit-b16", width: 768, heads: 12 }),
  ...facts
}
