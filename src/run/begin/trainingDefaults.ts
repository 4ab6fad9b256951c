import type { Table } from "../../config/configTable.ts"
import { architectureOf } from "../../model/networks.ts"
import { count } from "../../pipeline/DataUnusable.ts"

/** What the command line says of the training. */
export interface TrainingWishes {
  readonly network?: string | undefined
  readonly size?: { readonly height: number; readonly width: number } | undefined
  readonly epochs?: number | undefined
}

/** Trained weights that a run may begin with. */
export interface KnownWeights {
  readonly source: string
  /** Whose they are. */
  readonly network: string
  /** Of the images that they were trained on, where that is known and their own metadata may not say it. */
  readonly scale?: { readonly mean: ReadonlyArray<number>; readonly std: ReadonlyArray<number> }
  /** Of a run, whose network may take images of no other size. */
  readonly size?: { readonly height: number; readonly width: number }
}

/** Where MobileNetV2's weights are published: timm's, trained on ImageNet. */
export const publishedWeights = "hf:timm/mobilenetv2_100.ra_in1k"

/** Files that people have fetched them to, from where they work. */
export const usualFiles = [
  "mobilenetv2_100.safetensors",
  "data/mobilenetv2_100.safetensors",
  "weights/mobilenetv2_100.safetensors"
]

/** ImageNet's, with which timm trained them. Source: the model's card and its config.json. */
export const imagenetScale = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

/** Seconds that a run with defaults is to take, about. */
const seconds = 180

/**
 * Images of 224 x 224 a second and thread: MobileNetV2's forward pass by onnxruntime, and training steps of all layers.
 * Lower than what bench/RESULTS.md has of two threads, for machines are slower and busy.
 */
const frozenRate = 60
const trainedRate = 4

/** SimpleCNN's training steps, at 64 x 64. */
const simpleRate = 60

/** Epochs with which a network learns something from the beginning. */
const fewest = 5

const area = ({ height, width }: { readonly height: number; readonly width: number }) => height * width

const square = (side: number) => ({ height: side, width: side })

/** Steps of an epoch are few where images are: then smaller batches make more of them. */
const batchFor = (images: number) => (images < 400 ? 8 : images < 4000 ? 16 : 32)

const duration = (seconds: number): string =>
  seconds < 50
    ? "less than a minute"
    : seconds < 90
      ? "about a minute"
      : `about ${count(Math.round(seconds / 60))} minutes`

interface Chosen {
  readonly network: Table
  readonly scale: Table
  readonly size: { readonly height: number; readonly width: number }
  readonly flip: boolean
  readonly epochs: number
  readonly learningRate: number
  /** Images that are computed, and how many a second. */
  readonly images: number
  readonly rate: number
  readonly what: string
}

/** Only the head learns: each view of a photo passes the frozen part once, whatever the epochs. */
const frozen = (images: number, threads: number, wishes: TrainingWishes, weights: KnownWeights): Chosen => {
  const rateAt = (size: { readonly height: number; readonly width: number }) =>
    (frozenRate * threads * area(square(224))) / area(size)
  const ways = [
    { size: square(224), flip: true },
    { size: square(224), flip: false },
    { size: square(160), flip: false }
  ].map((way) => ({ ...way, size: wishes.size ?? weights.size ?? way.size }))
  const secondsOf = ({ flip, size }: (typeof ways)[number]) => (images * (flip ? 2 : 1)) / rateAt(size)
  const way = ways.find((one) => secondsOf(one) <= seconds) ?? { size: wishes.size ?? square(160), flip: false }
  return {
    ...way,
    network: { name: weights.network, weights: weights.source, trainable: "head" },
    scale: weights.scale ?? {},
    epochs: wishes.epochs ?? 20,
    learningRate: 0.002,
    images: images * (way.flip ? 2 : 1),
    rate: rateAt(way.size),
    what: `${weights.network} with the weights ${weights.source}, its head trained`
  }
}

/** All layers learn. */
const whole = (
  images: number,
  threads: number,
  wishes: TrainingWishes,
  name: string,
  weights: KnownWeights | undefined
): Chosen => {
  const isSimple = name === "simple-cnn"
  const rateAt = (size: { readonly height: number; readonly width: number }) =>
    isSimple
      ? (simpleRate * threads * area(square(64))) / area(size)
      : (trainedRate * threads * area(square(224))) / area(size)
  const sides = isSimple ? [64, 48] : [128, 96]
  const sizes = sides.map((side) => wishes.size ?? weights?.size ?? square(side))
  const epochsAt = (size: { readonly height: number; readonly width: number }) =>
    Math.round((seconds * rateAt(size)) / Math.max(1, images))
  // Many photos are rather seen small and often.
  const size = sizes.find((one) => epochsAt(one) >= fewest) ?? sizes[sizes.length - 1] ?? square(64)
  const rate = rateAt(size)
  const epochs = wishes.epochs ?? Math.max(3, Math.min(30, epochsAt(size)))
  return {
    network: { name, ...(weights !== undefined && { weights: weights.source }) },
    scale: weights?.scale ?? {},
    size,
    flip: true,
    epochs,
    learningRate: isSimple ? 0.002 : 0.001,
    images: images * epochs,
    rate,
    what: weights === undefined ? name : `${name} with the weights ${weights.source}, all of it trained`
  }
}

/**
 * The keys of a run on so many training images, and what to say of them: a pretrained network with a new head where there
 * are weights of one, else a small network, both in a few minutes on `threads` threads.
 */
export const trainingDefaults = (
  images: number,
  threads: number,
  wishes: TrainingWishes,
  weights: KnownWeights | undefined
): { readonly table: Table; readonly line: string } => {
  const name = wishes.network ?? weights?.network ?? "simple-cnn"
  const own = weights?.network === name ? weights : undefined
  const isPretrained = own !== undefined && architectureOf(name)?.timm !== undefined
  const chosen = isPretrained ? frozen(images, threads, wishes, own) : whole(images, threads, wishes, name, own)
  const { height, width } = chosen.size
  return {
    table: {
      image: { height, width, ...chosen.scale },
      ...(chosen.flip && { augment: { flip: 0.5 } }),
      network: chosen.network,
      train: {
        epochs: chosen.epochs,
        batchSize: batchFor(images),
        learningRate: chosen.learningRate,
        schedule: { kind: "one-cycle" }
      }
    },
    line:
      `${chosen.what}, at ${height}x${width}, ${count(chosen.epochs)} ${chosen.epochs === 1 ? "epoch" : "epochs"}: ` +
      `${duration(chosen.images / chosen.rate)}, at about ${count(Math.round(chosen.rate))} images/s on ${count(threads)} ${
        threads === 1 ? "thread" : "threads"
      }` +
      (own === undefined && wishes.network === undefined
        ? `. No pretrained weights are here; --set network.weights=${publishedWeights} fetches some (14 MB), which mostly learn more from few photos`
        : "")
  }
}
