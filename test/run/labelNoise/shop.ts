import { Layer } from "effect"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { dinov2 } from "../../model/onnx/files.ts"
import { tinyConfig, tinyLayers } from "../train/tinyRun.ts"

const size = { height: 48, width: 50 }
const kinds = ["cap", "mug", "scarf"]
/** How many photos of each kind are trained on, and in each of the other parts. */
const each = { train: 20, validation: 4, test: 4 }

/** A photo of the shop: its part, its kind, and the labels that the list gives it. */
export interface ShopRow {
  readonly id: string
  readonly part: "train" | "validation" | "test"
  readonly kind: string
  readonly label: string
  readonly side: string
}

const clean: ReadonlyArray<ShopRow> = kinds.flatMap((kind) =>
  (["train", "validation", "test"] as const).flatMap((part) =>
    Array.from({ length: each[part] }, (_, i) => ({
      id: `${kind}-${part}-${i}`,
      part,
      kind,
      label: kind,
      // A side can be seen too; of every third photo it is not known.
      side: i % 3 === 0 ? "" : i % 3 === 1 ? "left" : "right"
    }))
  )
)

/** Some training photos have another kind's label. */
export const flipped = ["cap-train-3", "mug-train-5", "scarf-train-11", "scarf-train-8"]

/** One has the other side. */
export const turned = "cap-train-4"

const after = (kind: string) => kinds[(kinds.indexOf(kind) + 1) % kinds.length] ?? kind

/** The list of 84 photos in three parts, with four training labels and a side that are wrong. */
export const shopRows: ReadonlyArray<ShopRow> = clean.map((row) =>
  row.id === turned ? { ...row, side: "right" } : flipped.includes(row.id) ? { ...row, label: after(row.kind) } : row
)

const photos = new Map(
  clean.map(({ id, kind, side }) => {
    const random = draw("noisy shop", id)
    // Its kind is its colour, and its side how bright it is.
    const light = side === "left" ? 70 : 0
    const data = Uint8Array.from(
      { length: size.height * size.width * 3 },
      (_, i) => random.below(60) + (i % 3 === kinds.indexOf(kind) ? 120 : 0) + light
    )
    return [`shop/images/${id}.jpg`, { ...size, data }] as const
  })
)

const tableOf = (rows: ReadonlyArray<ShopRow>) => [
  ["id", "part", "label", "side"],
  ...rows.map(({ id, label, part, side }) => [id, part, label, side])
]

/** Made once: every call gives other weights. */
const graph = dinov2()

/** Every stage of a run from memory, on a list of the shop's photos, with a backbone to judge its labels by. */
export const shopLayers = (rows: ReadonlyArray<ShopRow> = shopRows) =>
  Layer.mergeAll(
    tinyLayers(),
    Rows.layerMemory(new Map([["shop/styles.csv", tableOf(rows)]])),
    Images.layerMemory(photos),
    Products.layerPlain,
    Pretrained.layerMemory({
      "vision.onnx": {
        metadata: { mean: "0.4,0.5,0.6", std: "0.2,0.25,0.3" },
        tensors: new Map(),
        graph
      }
    })
  )

/** A cache that several runs share. */
export const sharedCache = (cache: FeatureCache["Service"]) => Layer.succeed(FeatureCache, cache)

const network = { name: "onnx", weights: "vision.onnx", pool: "mean" }

/** Two epochs of a head on the shop's frozen features. */
export const shopConfig = (train: object = {}, overrides: object = {}) =>
  tinyConfig({
    network,
    data: { root: "shop", minPerClass: 3, split: { by: { column: "part" } } },
    train: { epochs: 2, batchSize: 8, select: "last", learningRate: 0.01, ...train },
    ...overrides
  })

/** The same with the side as a second label column. */
export const sidedConfig = (train: object = {}, overrides: object = {}) =>
  shopConfig(train, {
    data: {
      root: "shop",
      minPerClass: 3,
      split: { by: { column: "part" } },
      columns: { label: ["label", "side"] }
    },
    ...overrides
  })
