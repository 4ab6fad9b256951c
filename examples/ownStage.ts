/** A stage of one's own: photos reach the network as negatives, and nothing else changes. */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Layer } from "effect"
import * as Live from "../src/Live.ts"
import * as SharpImages from "../src/layers/images/SharpImages.ts"
import { Checkpoints } from "../src/model/Checkpoints.ts"
import { Images } from "../src/pipeline/Images.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import { RunFolder } from "../src/run/RunFolder.ts"
import { trainRun } from "../src/run/train/trainRun.ts"

const Negatives = Layer.effect(
  Images,
  Effect.map(Images, (sharp) => ({
    ...sharp,
    load: (path, image) =>
      Effect.map(sharp.load(path, image), (pixels) => ({ ...pixels, data: pixels.data.map((value) => 255 - value) }))
  }))
).pipe(Layer.provide(SharpImages.layer))

const program = Effect.gen(function* () {
  const config = yield* decodeRunConfig(
    {
      data: { sample: { images: 300 }, columns: { label: "articleType" }, minPerClass: 5 },
      image: { height: 64, width: 48 },
      train: { epochs: 1 }
    },
    "examples/ownStage.ts"
  )
  const { data, test } = yield* trainRun(config)
  yield* Console.log(`${data.classes} classes, test accuracy ${test?.accuracy?.toFixed(2)}`)
}).pipe(Effect.provide([Negatives, RunFolder.layerMemory, Checkpoints.layerMemory(1)]), Effect.provide(Live.layer))

NodeRuntime.runMain(program)
