import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { Products } from "../../../src/model/baseline/Products.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { FeatureCache } from "../../../src/model/FeatureCache.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { Augment } from "../../../src/pipeline/Augment.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { Rows } from "../../../src/pipeline/Rows.ts"
import { SampleCatalogue } from "../../../src/pipeline/SampleCatalogue.ts"
import { Machine } from "../../../src/run/Machine.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"

const size = { height: 48, width: 50 }
const kinds = ["cap", "scarf"]
const table = [["id", "label"], ...kinds.flatMap((kind) => Array.from({ length: 7 }, (_, i) => [`${kind}${i}`, kind]))]
const photos = new Map(
  table.slice(1).map(([id = "", kind = ""]) => {
    const random = draw("tiny run", id)
    const data = Uint8Array.from(
      { length: size.height * size.width * 3 },
      (_, i) => random.below(90) + (i % 3 === kinds.indexOf(kind) ? 150 : 0)
    )
    return [`shop/images/${id}.jpg`, { ...size, data }] as const
  })
)

/** Samples of the tiny catalogue: their names, which photos have. */
export const tinyIds: ReadonlyArray<string> = table.slice(1).map(([id = ""]) => id)

/**
 * Every stage of a run from memory, with a folder and checkpoints of its own: no file, no package but onnxruntime. `rows`
 * are the list of the photos, with its header.
 */
export const tinyLayers = (rows: ReadonlyArray<ReadonlyArray<string>> = table) =>
  Layer.mergeAll(
    Rows.layerMemory(new Map([["shop/styles.csv", rows]])),
    Images.layerMemory(photos),
    Augment.layer,
    SampleCatalogue.layerAt("nowhere"),
    Engines.layerOf(ReferenceEngine.layer),
    Machine.layerTest,
    Pretrained.layerMemory({}),
    FeatureCache.layerMemory,
    OnnxFeatures.layer,
    Products.layerPlain,
    RunFolder.layerMemory,
    Checkpoints.layerMemory(2)
  )

/** Four epochs of two classes; a second each. */
export const tinyConfig = (overrides: object = {}) =>
  decodeRunConfig(
    {
      data: { root: "shop", minPerClass: 3, split: { train: 0.6, validation: 0.2, test: 0.2 } },
      image: size,
      train: { epochs: 4, batchSize: 3, select: "last" },
      ...overrides
    },
    "test"
  )

/** The text of a file in the run's folder. */
export const textIn = (file: Parameters<RunFolder["Service"]["read"]>[0]) =>
  RunFolder.use((folder) => Effect.map(folder.read(file), (bytes) => new TextDecoder().decode(bytes)))

/** A run that is interrupted after a step (from 1) of an epoch (from 1). */
export const interruptedAt = Effect.fnUntraced(function* (config: RunConfig, at: { epoch: number; step: number }) {
  const fiber: Fiber.Fiber<unknown, unknown> = yield* Effect.forkChild(
    trainRun(config).pipe(
      Effect.provideService(Progress, (event: ProgressEvent) =>
        event._tag === "Step" && event.epoch + 1 === at.epoch && event.step === at.step
          ? Effect.suspend(() => Effect.asVoid(Effect.forkDetach(Fiber.interrupt(fiber))))
          : Effect.void
      )
    )
  )
  const exit = yield* Fiber.await(fiber)
  assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
})
