import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import type { Engine } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import { architectureOf } from "../../../src/model/networks.ts"
import type { Head } from "../../../src/model/networks/heads.ts"
import { parameters } from "../../../src/model/shapes.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { assertNear, openSession, referenceWeights, sgd, uniform } from "./reference.ts"

/** A record of ../shared/fixtures/backbones.json; see the fixtures' README. */
interface Case {
  readonly network: string
  readonly head: Head | null
  readonly size: number
  readonly batch: number
  readonly salt: string
  /** The first 16 of each row. */
  readonly logits: ReadonlyArray<number>
}

interface Inference extends Case {
  readonly mode: "inference"
  readonly classes: number
  readonly logitsNorm: number
  readonly argmax: ReadonlyArray<number>
  readonly parameters: number
}

interface Gradient extends Case {
  readonly mode: "gradient"
  readonly labels: ReadonlyArray<number>
  readonly loss: number
  readonly gradientNorms: Readonly<Record<string, number>>
}

const file = new URL("../../../../shared/fixtures/backbones.json", import.meta.url)

/** Those of the file's cases whose network is in our list. */
const cases = existsSync(file)
  ? (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Inference | Gradient>) // as the fixtures' README says
  : []

/** The cases of the networks that Weft has, each with its network. */
export const backboneCases = cases.flatMap((record) => {
  const architecture = architectureOf(record.network.replaceAll("_", "-"))
  if (architecture === undefined) return []
  const { head, size } = record
  const classes = record.mode === "inference" ? record.classes : 70
  const { blocks, name } = architecture.build({ height: size, width: size, classes, head: head ?? "fc" })
  const network: Network = {
    name,
    height: size,
    width: size,
    classes,
    blocks: blocks.filter(({ _tag }) => _tag !== "Dropout")
  }
  return [{ record, network, title: `${record.network}${head === null ? "" : `, head ${head}`}, at ${size}` }]
})

const tile = 16

/** Images of flat tiles of 16x16 pixels, values `2 u`: of uniform noise nothing but its mean would reach the logits. */
export const tiledBatch = ({ batch, salt, size }: Case, labels: ReadonlyArray<number>): Batch => {
  const tiles = size / tile
  const u = uniform(salt, "input", batch * tiles * tiles * 3)
  const images = new Float32Array(batch * size * size * 3)
  for (let i = 0; i < images.length; i++) {
    const pixel = Math.floor(i / 3)
    const [n, y, x] = [Math.floor(pixel / size / size), Math.floor(pixel / size) % size, pixel % size]
    images[i] = 2 * u[((n * tiles + Math.floor(y / tile)) * tiles + Math.floor(x / tile)) * 3 + (i % 3)]!
  }
  return {
    index: 0,
    images,
    labels: Int32Array.from(labels),
    ids: labels.map((_, i) => `sample ${i}`),
    size: batch,
    height: size,
    width: size
  }
}

/** The first 16 of each row. */
export const firstOfRows = (logits: Float32Array, classes: number) => [...logits].filter((_, i) => i % classes < 16)

/**
 * Gradients are read off one step of plain gradient descent: at this rate the step is much larger than the weights, and
 * the rounding of their difference much smaller than the gradient.
 */
const rate = 2 ** 14

/**
 * How near to PyTorch's float64 a gradient's norm must be (relative), where that is not 1e-3: PyTorch's own float32 is
 * up to 2e-3 off in ResNet-50, whose first batch norms divide by small deviations, and up to 1e-4 in ResNet-18.
 */
const gradientsWithin: Readonly<Record<string, number>> = { resnet50: 1e-2 }

/** Declares that an engine computes torchvision's networks; `brief` leaves out what takes minutes on a card in software. */
export const agreesWithTorchvision = (it: Vitest.MethodsNonLive<Engine>, brief: boolean) => {
  const test = it.effect.skipIf(brief || !existsSync(file))
  for (const { network, record, title } of backboneCases)
    if (record.mode === "inference")
      test(`gives torchvision's logits: ${title}`, () =>
        Effect.gen(function* () {
          const trained = parameters(network).filter(({ trainable }) => trainable)
          assert.strictEqual(
            trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
            record.parameters
          )
          const session = yield* openSession(network, { weights: referenceWeights(network, record.salt) })
          const logits = yield* session.predict(
            tiledBatch(
              record,
              Array.from({ length: record.batch }, () => 0)
            )
          )
          assertNear(firstOfRows(logits, record.classes), record.logits, "logits")
          assertNear([Math.hypot(...logits)], [record.logitsNorm], "their norm")
          const rows = Array.from({ length: record.batch }, (_, row) =>
            logits.subarray(row * record.classes, (row + 1) * record.classes)
          )
          assert.deepStrictEqual(
            rows.map((row) => row.indexOf(Math.max(...row))),
            record.argmax
          )
        }))
    else
      test(`gives torchvision's gradients: ${title}`, () =>
        Effect.gen(function* () {
          const before = referenceWeights(network, record.salt)
          const session = yield* openSession(network, { weights: before, optimizer: sgd })
          const batch = tiledBatch(record, record.labels)
          const { logits, loss } = yield* session.train(batch, { step: 0, learningRate: rate })
          assertNear([loss], [record.loss], "loss")
          assertNear(firstOfRows(logits, network.classes), record.logits, "logits in training")
          const { weights } = yield* session.snapshot
          const names = parameters(network).flatMap(({ name, trainable }) => (trainable ? [name] : []))
          assert.deepStrictEqual(names.toSorted(), Object.keys(record.gradientNorms).sort())
          for (const name of names) {
            const after = weights.get(name)!.data // a snapshot has every tensor
            const sum = before.get(name)!.data.reduce((sum, w, i) => sum + ((w - after[i]!) / rate) ** 2, 0)
            const within = gradientsWithin[record.network]
            assertNear([Math.sqrt(sum)], [record.gradientNorms[name]!], `norm of the gradient of ${name}`, within)
          }
        }))
}
