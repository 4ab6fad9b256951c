/**
 * Where a batch of small images is enlarged, mirrored, turned and normalised: by the feed's SIMD, on one thread, or by
 * TensorFlow, as one affine sampling of the whole batch. Processor time tells on a CPU; decoding is not counted. Prints
 * one JSON line:
 *   node bench/ways/augment.ts --data FOLDER --where tensorflow
 * TensorFlow samples bilinearly only: its enlargement is not the bicubic one that the feed's is.
 */
import * as tf from "@tensorflow/tfjs-core"
import { Console, Effect, Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Canvas } from "../../src/layers/feed/Canvas.ts"
import { decodeSmallJpeg } from "../../src/layers/images/decodeSmallJpeg.ts"
import { backendFolder, readInstalled } from "../../src/layers/tensorflow/BackendFolder.ts"
import { deviceConfig } from "../../src/layers/tensorflow/deviceConfig.ts"
import { backendName, openBackend } from "../../src/layers/tensorflow/openBackend.ts"
import { defaultEngine } from "../../src/model/EngineConfig.ts"
import { movement } from "../../src/pipeline/augmentPixels.ts"
import { AugmentConfig } from "../../src/pipeline/AugmentConfig.ts"
import { ImageConfig } from "../../src/pipeline/ImageConfig.ts"
import { scaleOf } from "../../src/pipeline/normalise.ts"
import type { Pixels } from "../../src/pipeline/Pixels.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small/images" },
    where: { type: "string", default: "feed" },
    size: { type: "string", default: "224" },
    batches: { type: "string", default: "8" }
  }
})

const size = Number(values.size)
const batch = 64
const area = size * size * 3
const image = Schema.decodeSync(ImageConfig)({ height: size, width: size })
const augment = Schema.decodeSync(AugmentConfig)({ flip: 0.5, rotation: 10 })

/** A batch of images, all of one size, as the engine needs them. */
const decoded: ReadonlyArray<Pixels> = readdirSync(values.data)
  .sort()
  .slice(0, 2 * batch)
  .flatMap((file) => decodeSmallJpeg(readFileSync(join(values.data, file)), image) ?? [])
  .filter(({ height, width }) => height === 80 && width === 60)
  .slice(0, batch)

const at = (epoch: number, i: number) => ({ seed: 1, epoch, id: String(i) })

const byFeed = () => {
  const canvas = new Canvas(size, size, scaleOf(image))
  const out = new Float32Array(batch * area)
  return (epoch: number) => {
    for (const [i, pixels] of decoded.entries()) {
      const { flip, map } = movement(augment, at(epoch, i), size, size)
      canvas.draw(pixels, flip && map === undefined)
      if (map !== undefined) canvas.turn(map, image.background)
      canvas.numbers(out, i * area)
    }
  }
}

/** The eight numbers of ImageProjectiveTransformV3: from a place in the result to one in the small image. */
const transformOf = (epoch: number, i: number, { height, width }: Pixels): ReadonlyArray<number> => {
  const { map } = movement(augment, at(epoch, i), size, size)
  const [down, across] = [height / size, width / size]
  if (map === undefined) return [across, 0, 0, 0, down, 0, 0, 0]
  const { a, b, c, d, e, f } = map
  return [a * across, b * across, c * across, d * down, e * down, f * down, 0, 0]
}

const byTensorflow = async () => {
  const installed = readInstalled(backendFolder())
  if (installed === undefined) return undefined
  const { run } = openBackend(installed.folder, deviceConfig(defaultEngine), false)
  await tf.setBackend(backendName)
  const [first] = decoded
  if (first === undefined) return undefined
  const small = new Int32Array(batch * first.data.length)
  return (epoch: number) => {
    for (const [i, { data }] of decoded.entries()) small.set(data, i * first.data.length)
    const transforms = decoded.flatMap((pixels, i) => transformOf(epoch, i, pixels))
    tf.tidy(() => {
      const images = tf.cast(tf.tensor4d(small, [batch, first.height, first.width, 3], "int32"), "float32")
      const turned = run.one(
        "ImageProjectiveTransformV3",
        [run.type("dtype", run.types.float), run.text("interpolation", "BILINEAR"), run.text("fill_mode", "CONSTANT")],
        images,
        tf.tensor2d(transforms, [batch, 8]),
        run.ints(size, size),
        tf.scalar(255)
      )
      // Eager TensorFlow may still be at it: one number of the result is waited for.
      const normalised = tf.sub(tf.mul(turned, 1 / 127.5), 1)
      tf.slice(tf.reshape(normalised, [-1]), [0], [1]).dataSync()
    })
  }
}

const main = Effect.gen(function* () {
  const work = values.where === "feed" ? byFeed() : yield* Effect.promise(byTensorflow)
  if (work === undefined) return yield* Effect.die("TensorFlow is not installed")
  work(0)
  const start = performance.now()
  const before = process.cpuUsage()
  const batches = Number(values.batches)
  for (let epoch = 1; epoch <= batches; epoch++) work(epoch)
  const { system, user } = process.cpuUsage(before)
  const images = batches * decoded.length
  yield* Console.log(
    JSON.stringify({
      bench: "augment",
      where: values.where,
      size,
      images,
      imagesPerSecond: (images / (performance.now() - start)) * 1000,
      cpuMsPerImage: (system + user) / 1000 / images
    })
  )
})

await Effect.runPromise(main)
