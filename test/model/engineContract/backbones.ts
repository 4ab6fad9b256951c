import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { isOnlyInTraining } from "../../../src/model/Block.ts"
import type { Block } from "../../../src/model/Block.ts"
import type { Engine } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import { architectureOf } from "../../../src/model/networks.ts"
import type { HeadLayers } from "../../../src/pipeline/HeadLayers.ts"
import { parameters } from "../../../src/model/shapes.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import { assertNear, firstOfRows, openSession, referenceWeights, sgd, tiledBatch } from "./reference.ts"

/** A record of ../shared/fixtures/backbones.json; see the fixtures' README. `gradients.json` here has more of its kind. */
interface Case {
  readonly network: string
  readonly head: HeadLayers | null
  readonly size: number
  readonly batch: number
  readonly classes?: number
  readonly salt: string
  /** The first 16 of each row. */
  readonly logits: ReadonlyArray<number>
}

interface Inference extends Case {
  readonly mode: "inference"
  readonly logitsNorm: number
  readonly argmax: ReadonlyArray<number>
  readonly parameters: number
}

/** The first gradient in training, by PyTorch in float64. */
interface Gradient extends Case {
  readonly mode: "gradient"
  readonly labels: ReadonlyArray<number>
  readonly loss: number
  readonly gradientNorms: Readonly<Record<string, number>>
}

const shared = new URL("../../../../shared/fixtures/backbones.json", import.meta.url)
const own = new URL("gradients.json", import.meta.url)

const read = (file: URL) =>
  existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Inference | Gradient>) // as the fixtures' README says
    : []

/** torchvision's names of networks that are not ours with other punctuation. */
const ourNames: Readonly<Record<string, string>> = { vit_b_16: "vit-b16" }

/** Blocks without those that do something in training alone, in residuals neither. */
const withoutDropout = (blocks: ReadonlyArray<Block>): ReadonlyArray<Block> =>
  blocks
    .filter((block) => !isOnlyInTraining(block))
    .map((block) => (block._tag === "Residual" ? { ...block, blocks: withoutDropout(block.blocks) } : block))

/** The cases of the networks that Weft has, each with its network, without dropout. */
export const backboneCases = [...read(shared), ...read(own)].flatMap((record) => {
  const architecture = architectureOf(ourNames[record.network] ?? record.network.replaceAll("_", "-"))
  if (architecture === undefined) return []
  const { classes = 70, head, size } = record
  const { blocks, name } = architecture.build({ height: size, width: size, classes, head: head ?? "fc" })
  const network: Network = {
    name,
    height: size,
    width: size,
    classes,
    blocks: withoutDropout(blocks)
  }
  return [{ record, network, title: `${record.network}${head === null ? "" : `, head ${head}`}, at ${size}` }]
})

/**
 * Gradients are read off one step of plain gradient descent: at this rate the step is much larger than the weights, and
 * the rounding of their difference much smaller than the gradient.
 */
const rate = 2 ** 14

/**
 * How near to PyTorch's float64 a gradient's norm must be (relative), where that is not 1e-3. PyTorch's own float32 is up
 * to 2e-3 off in ResNet-50, whose first batch norms divide by small deviations, and in MobileNetV2; the engines are up to
 * 6e-3 off there, as a rounding that opens or shuts a ReLU does so for a whole flat tile.
 */
const gradientsWithin: Readonly<Record<string, number>> = { resnet50: 1e-2, mobilenet_v2: 1e-2 }

/** A gradient below this share of all gradients' norm is rounding: of a bias that a batch norm takes out again. */
const rounding = 1e-5

/** Networks of which an image takes a minute in plain TypeScript; their blocks are compared in smaller ones. */
const large = new Set(["vit_b_16"])

/** Declares that an engine computes torchvision's networks; `brief` leaves out what takes minutes on a card in software. */
export const agreesWithTorchvision = (it: Vitest.MethodsNonLive<Engine>, brief: boolean, withoutLarge: boolean) => {
  for (const { network, record, title } of backboneCases) {
    const test = it.effect.skipIf(brief || (withoutLarge && large.has(record.network)))
    const parts = parameters(network).filter(({ trainable }) => trainable)
    const inputs = () => ({
      weights: referenceWeights(network, record.salt),
      batch: tiledBatch(network, record.salt, record.batch)
    })
    if (record.mode === "inference")
      test(`gives torchvision's logits: ${title}`, () =>
        Effect.gen(function* () {
          assert.strictEqual(
            parts.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
            record.parameters
          )
          const { batch, weights } = inputs()
          const session = yield* openSession(network, { weights })
          const logits = yield* session.predict(batch)
          assertNear(firstOfRows(logits, network.classes), record.logits, "logits")
          assertNear([Math.hypot(...logits)], [record.logitsNorm], "their norm")
          const rows = Array.from({ length: record.batch }, (_, row) =>
            logits.subarray(row * network.classes, (row + 1) * network.classes)
          )
          assert.deepStrictEqual(
            rows.map((row) => row.indexOf(Math.max(...row))),
            record.argmax
          )
        }))
    else
      test(`gives torchvision's gradients: ${title}`, () =>
        Effect.gen(function* () {
          const { batch, weights } = inputs()
          const session = yield* openSession(network, { weights, optimizer: sgd })
          assert.deepStrictEqual([...batch.labels], record.labels)
          const result = yield* session.train(batch, { step: 0, learningRate: rate })
          assertNear([result.loss], [record.loss], "loss")
          assertNear(firstOfRows(result.logits, network.classes), record.logits, "logits in training")
          const { weights: after } = yield* session.snapshot
          const { gradientNorms } = record
          const whole = Math.hypot(...Object.values(gradientNorms))
          const within = gradientsWithin[record.network]
          assertNear([result.gradientNorm], [whole], "norm of all gradients", within)
          assert.deepStrictEqual(parts.map(({ name }) => name).sort(), Object.keys(gradientNorms).sort())
          for (const [name, expected] of Object.entries(gradientNorms)) {
            const moved = after.get(name)!.data // a snapshot has every tensor
            const sum = weights.get(name)!.data.reduce((sum, w, i) => sum + ((w - moved[i]!) / rate) ** 2, 0)
            if (expected < 1e-12 * whole) assert.isBelow(Math.sqrt(sum), rounding * whole, name)
            else assertNear([Math.sqrt(sum)], [expected], `norm of the gradient of ${name}`, within)
          }
        }))
  }
}
