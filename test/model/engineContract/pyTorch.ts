import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { existsSync, readFileSync } from "node:fs"
import type { Engine, SessionOptions } from "../../../src/model/Engine.ts"
import type { Network } from "../../../src/model/Network.ts"
import type { HeadLayers } from "../../../src/pipeline/HeadLayers.ts"
import { NetworkConfig } from "../../../src/model/NetworkConfig.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { vgg16 } from "../../../src/model/networks/vgg16.ts"
import { slotKinds } from "../../../src/model/optimizer.ts"
import { freezingOf } from "../../../src/model/parts.ts"
import { parameters } from "../../../src/model/shapes.ts"
import type { Tensor } from "../../../src/model/Tensor.ts"
import { sizeOf } from "../../../src/model/Tensor.ts"
import { TrainConfig } from "../../../src/model/TrainConfig.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import type { TrainingCase } from "./figures.ts"
import { figures } from "./figures.ts"
import { assertNear, firstOfRows, openSession, referenceBatch, referenceWeights, sgd } from "./reference.ts"

const shared = new URL("../../../../shared/fixtures/", import.meta.url)

interface Optimizer {
  readonly kind: "sgd" | "adam"
  readonly lr: number
  readonly momentum?: number
  readonly weight_decay?: number
  readonly nesterov?: boolean
}

/** What all records of the fixtures say; see the fixtures' README. */
interface Record {
  readonly network: "simple_cnn" | "mobilenet_v2" | "vgg16"
  readonly head: HeadLayers | null
  readonly size: number
  readonly batch: number
  readonly classes?: number
  /** Of the formula that weights, images and labels come from. */
  readonly salt: string
}

interface Forward extends Record {
  readonly logits: ReadonlyArray<number>
  readonly logitsNorm: number
  readonly argmax: ReadonlyArray<number>
  readonly parameters: number
}

interface Training extends Record {
  readonly optimizer: Optimizer
  readonly losses: ReadonlyArray<number>
  readonly logitsAfter: ReadonlyArray<number>
}

/** An array of records of a fixture file. */
const fixture = <A extends Record>(name: string): ReadonlyArray<A> =>
  existsSync(shared) ? (JSON.parse(readFileSync(new URL(name, shared), "utf8")) as ReadonlyArray<A>) : []

const networks = { simple_cnn: simpleCnn, mobilenet_v2: mobilenetV2, vgg16 }

/** A record's network, without dropout. The 1000-class original is a network with the head `fc`. */
const networkOf = ({ classes = 70, head, network, size }: Record): Network => {
  const options = { height: size, width: size, classes, head: head ?? "fc", padding: "symmetric" } as const
  const described = networks[network].build(options)
  const { name, height, width, blocks } = described
  return { name, height, width, classes, blocks: blocks.filter(({ _tag }) => _tag !== "Dropout") }
}

const titleOf = ({ batch, head, network, size }: Record) =>
  `${network}${head === null ? "" : ` with the head ${head}`} at ${size}, batch ${batch}`

/** From ../shared/fixtures: here so that one run is always compared. */
const nesterov: Training = {
  network: "simple_cnn",
  head: null,
  size: 64,
  batch: 8,
  salt: "weft-",
  optimizer: { kind: "sgd", lr: 0.0005, momentum: 0.9, weight_decay: 0.0001, nesterov: true },
  losses: [6.431309, 4.666191],
  logitsAfter: []
}

/**
 * MobileNetV2 with the fixtures' weights, in training on eight images, is chaotic: from the first update on, a change of
 * the images by one part in ten million moves PyTorch's own losses in float64 by up to 20 percent. Of its runs the first
 * loss is compared; its gradients are compared with float64's in `backbones.ts`.
 */
const stableLosses = ({ losses, network }: Training) => (network === "mobilenet_v2" ? losses.slice(0, 1) : losses)

const openNetwork = (network: Network, salt: string, optimizer: Optimizer) =>
  openSession(network, {
    weights: referenceWeights(network, salt),
    optimizer: {
      ...sgd,
      kind: optimizer.kind,
      momentum: optimizer.momentum ?? 0,
      weightDecay: optimizer.weight_decay ?? 0,
      nesterov: optimizer.nesterov ?? false
    }
  })

/** All of a network, at its layers' rates. */
export const layerDecayed = (network: Network, layerDecay: number | undefined) =>
  freezingOf(
    network,
    Schema.decodeUnknownSync(NetworkConfig)({}),
    Schema.decodeUnknownSync(TrainConfig)({ ...(layerDecay !== undefined && { layerDecay }) }),
    1
  )

/** Trains on a batch as PyTorch did, and compares logits, losses, gradients and weights. */
export const trainsAs = Effect.fnUntraced(function* (
  options: Omit<TrainingCase, "figures">,
  expected: TrainingCase["figures"],
  network: Network,
  batch: Batch,
  more: Partial<SessionOptions> = {}
) {
  const session = yield* openSession(network, {
    weights: referenceWeights(network, figures.salt),
    optimizer: options,
    labelSmoothing: options.labelSmoothing ?? 0,
    classWeights: options.classWeights && Float32Array.from(options.classWeights),
    clipNorm: options.clipNorm,
    clipValue: options.clipValue,
    average: options.ema && { kind: "ema", ...options.ema },
    seed: figures.seed,
    ...more
  })
  assertNear(yield* session.predict(batch), expected.logitsBefore, "logits before")
  for (const [step, loss] of expected.losses.entries()) {
    const result = yield* session.train(batch, { step, learningRate: options.learningRate })
    if (step === 0) assertNear(result.logits, expected.trainingLogits, "logits in training")
    assertNear([result.loss], [loss], `loss of step ${step}`)
    assertNear([result.gradientNorm], [expected.gradientNorms[step]!], `gradient norm of step ${step}`)
  }
  assertNear(yield* session.predict(batch), expected.logitsAfter, "logits after")
  const { average, optimizer, weights } = yield* session.snapshot
  assert.strictEqual(average === undefined, expected.averageAfter === undefined)
  for (const [what, tensors, figures] of [
    ["weight", weights, expected.weightsAfter],
    ["average", average ?? new Map<string, Tensor>(), expected.averageAfter ?? {}]
  ] as const) {
    assert.deepStrictEqual([...tensors.keys()].sort(), Object.keys(figures).sort())
    for (const [name, { first, norm }] of Object.entries(figures)) {
      const { data } = tensors.get(name)!
      assertNear([Math.hypot(...data)], [norm], `norm of the ${what} ${name} after`)
      assertNear(data.subarray(0, first.length), first, `the ${what} ${name} after`)
    }
  }
  const trained = parameters(network).filter(({ trainable }) => trainable)
  const slots = trained.flatMap(({ name }) => slotKinds(options).map((kind) => `${kind}.${name}`))
  assert.deepStrictEqual([...optimizer.slots.keys()].sort(), slots.sort())
  assert.strictEqual(optimizer.step, expected.losses.length)
}, Effect.scoped)

/** Declares that an engine computes what PyTorch computes; `brief` leaves out what takes minutes on a card in software. */
export const agreesWithPyTorch = (it: Vitest.MethodsNonLive<Engine>, brief: boolean) => {
  const slow = it.effect.skipIf(brief || !existsSync(shared))
  it.effect.each(figures.cases)("trains as PyTorch does: $name", ({ figures: expected, ...options }) =>
    Effect.gen(function* () {
      const network = figures.networks[options.network]
      const inputs = referenceBatch(network, figures.salt, options.batch)
      const partners = inputs.labels.map((_, i, all) => (i + all.length - 1) % all.length)
      const batch = {
        ...inputs,
        images: inputs.images.map((x) => x * (options.gain ?? 1)),
        ...(options.mix && { mix: { partners, shares: Float32Array.from(options.mix) } })
      }
      assert.deepStrictEqual([...batch.labels], expected.labels)
      const freezing = yield* layerDecayed(network, options.layerDecay)
      yield* trainsAs(options, expected, network, batch, { freezing })
    })
  )

  it.effect.skipIf(brief)("trains simple_cnn as PyTorch does", () =>
    Effect.gen(function* () {
      const network = networkOf(nesterov)
      const session = yield* openNetwork(network, nesterov.salt, nesterov.optimizer)
      const batch = referenceBatch(network, nesterov.salt, nesterov.batch)
      for (const [step, loss] of nesterov.losses.entries())
        assertNear([(yield* session.train(batch, { step, learningRate: nesterov.optimizer.lr })).loss], [loss], "loss")
    })
  )

  for (const record of fixture<Forward>("forward.json"))
    slow(
      `gives the logits of ../shared/fixtures/forward.json: ${titleOf(record)}`,
      () =>
        Effect.gen(function* () {
          const { argmax, batch, classes = 70, logits, logitsNorm, salt } = record
          const network = networkOf(record)
          const trained = parameters(network).filter(({ trainable }) => trainable)
          assert.strictEqual(
            trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
            record.parameters
          )
          const session = yield* openNetwork(network, salt, { kind: "sgd", lr: 0 })
          const actual = yield* session.predict(referenceBatch(network, salt, batch))
          assertNear(firstOfRows(actual, classes), logits, "logits")
          assertNear([Math.hypot(...actual)], [logitsNorm], "their norm")
          const rows = Array.from({ length: batch }, (_, row) => actual.subarray(row * classes, (row + 1) * classes))
          assert.deepStrictEqual(
            rows.map((row) => row.indexOf(Math.max(...row))),
            argmax
          )
        }),
      300_000 // VGG16 has 138 million weights to be drawn
    )

  // One test each: their steps together are long for a slow engine.
  for (const [run, record] of fixture<Training>("training.json").entries())
    slow(`gives the figures of ../shared/fixtures/training.json, run ${run}: ${titleOf(record)}`, () =>
      Effect.gen(function* () {
        const { logitsAfter, losses, optimizer, salt } = record
        const network = networkOf(record)
        const session = yield* openNetwork(network, salt, optimizer)
        const batch = referenceBatch(network, salt, record.batch)
        const stable = stableLosses(record)
        for (const [step, loss] of stable.entries()) {
          const result = yield* session.train(batch, { step, learningRate: optimizer.lr })
          assertNear([result.loss], [loss], `loss of step ${step}`)
        }
        if (stable.length === losses.length)
          assertNear(firstOfRows(yield* session.predict(batch), network.classes), logitsAfter, "logits after")
      })
    )
}
