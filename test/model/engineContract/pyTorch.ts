import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import type { Engine } from "../../../src/model/Engine.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { slotKinds } from "../../../src/model/optimizer.ts"
import { parameters } from "../../../src/model/shapes.ts"
import { figures } from "./figures.ts"
import { assertNear, openSession, referenceBatch, referenceWeights, sgd } from "./reference.ts"

const shared = new URL("../../../../shared/fixtures/", import.meta.url)

/** An array of records of a fixture file; their fields are as the file's README says. */
const fixture = <A extends { readonly network: string }>(name: string): ReadonlyArray<A> =>
  existsSync(shared)
    ? (JSON.parse(readFileSync(new URL(name, shared), "utf8")) as ReadonlyArray<A>).filter(
        ({ network }) => network === "simple_cnn"
      )
    : []

interface Forward {
  readonly network: string
  readonly size: number
  readonly batch: number
  readonly logits: ReadonlyArray<number>
  readonly logitsNorm: number
}

interface Training {
  readonly network: string
  readonly optimizer: {
    readonly kind: "sgd" | "adam"
    readonly lr: number
    readonly momentum?: number
    readonly weight_decay?: number
    readonly nesterov?: boolean
  }
  readonly losses: ReadonlyArray<number>
  readonly logitsAfter: ReadonlyArray<number>
}

const simple = (size: number) => {
  const network = simpleCnn({ height: size, width: size, classes: 70 })
  return { ...network, blocks: network.blocks.filter(({ _tag }) => _tag !== "Dropout") }
}

/** The first 16 of each row of 70 logits. */
const firstOfRows = (logits: Float32Array) => [...logits].filter((_, i) => i % 70 < 16)

/** simple_cnn at 64 x 64, batch 8, from ../shared/fixtures: here so that one run is always compared. */
const nesterov: Pick<Training, "losses" | "optimizer"> = {
  optimizer: { kind: "sgd", lr: 0.0005, momentum: 0.9, weight_decay: 0.0001, nesterov: true },
  losses: [6.431309, 4.666191]
}

const openSimple = (size: number, optimizer: Training["optimizer"]) =>
  openSession(simple(size), {
    weights: referenceWeights(simple(size), "weft-"),
    optimizer: {
      ...sgd,
      kind: optimizer.kind,
      momentum: optimizer.momentum ?? 0,
      weightDecay: optimizer.weight_decay ?? 0,
      nesterov: optimizer.nesterov ?? false
    }
  })

/** Declares that an engine computes what PyTorch computes. */
export const agreesWithPyTorch = (it: Vitest.MethodsNonLive<Engine>, brief: boolean) => {
  const slow = it.effect.skipIf(brief || !existsSync(shared))
  it.effect.each(figures.cases)("trains as PyTorch does: $name", ({ figures: expected, ...options }) =>
    Effect.gen(function* () {
      const network = figures.networks[options.network]
      const inputs = referenceBatch(network, figures.salt, options.batch)
      const batch = { ...inputs, images: inputs.images.map((x) => x * (options.gain ?? 1)) }
      assert.deepStrictEqual([...batch.labels], expected.labels)
      const session = yield* openSession(network, {
        weights: referenceWeights(network, figures.salt),
        optimizer: options,
        labelSmoothing: options.labelSmoothing ?? 0,
        classWeights: options.classWeights && Float32Array.from(options.classWeights),
        clipNorm: options.clipNorm,
        clipValue: options.clipValue,
        seed: figures.seed
      })
      assertNear(yield* session.predict(batch), expected.logitsBefore, "logits before")
      for (const [step, loss] of expected.losses.entries()) {
        const result = yield* session.train(batch, { step, learningRate: options.learningRate })
        if (step === 0) assertNear(result.logits, expected.trainingLogits, "logits in training")
        assertNear([result.loss], [loss], `loss of step ${step}`)
        assertNear([result.gradientNorm], [expected.gradientNorms[step]!], `gradient norm of step ${step}`)
      }
      assertNear(yield* session.predict(batch), expected.logitsAfter, "logits after")
      const { optimizer, weights } = yield* session.snapshot
      assert.deepStrictEqual([...weights.keys()].sort(), Object.keys(expected.weightsAfter).sort())
      for (const [name, { first, norm }] of Object.entries(expected.weightsAfter)) {
        const { data } = weights.get(name)!
        assertNear([Math.hypot(...data)], [norm], `norm of ${name} after`)
        assertNear(data.subarray(0, first.length), first, `${name} after`)
      }
      const trained = parameters(network).filter(({ trainable }) => trainable)
      const slots = trained.flatMap(({ name }) => slotKinds(options).map((kind) => `${kind}.${name}`))
      assert.deepStrictEqual([...optimizer.slots.keys()].sort(), slots.sort())
      assert.strictEqual(optimizer.step, expected.losses.length)
    })
  )

  it.effect.skipIf(brief)("trains simple_cnn as PyTorch does", () =>
    Effect.gen(function* () {
      const session = yield* openSimple(64, nesterov.optimizer)
      const batch = referenceBatch(simple(64), "weft-", 8)
      for (const [step, loss] of nesterov.losses.entries())
        assertNear([(yield* session.train(batch, { step, learningRate: nesterov.optimizer.lr })).loss], [loss], "loss")
    })
  )

  slow("gives the logits of ../shared/fixtures/forward.json for simple_cnn", () =>
    Effect.gen(function* () {
      const cases = fixture<Forward>("forward.json")
      assert.strictEqual(cases.length, 2)
      for (const { batch, logits, logitsNorm, size } of cases) {
        const session = yield* openSimple(size, { kind: "sgd", lr: 0 })
        const actual = yield* session.predict(referenceBatch(simple(size), "weft-", batch))
        assertNear(firstOfRows(actual), logits, `logits at ${size}`)
        assertNear([Math.hypot(...actual)], [logitsNorm], `their norm at ${size}`)
      }
    })
  )

  // One test each: fifteen steps together are long for a slow engine.
  for (const run of [0, 1, 2])
    slow(`gives the figures of ../shared/fixtures/training.json, run ${run}`, () =>
      Effect.gen(function* () {
        const { logitsAfter, losses, optimizer } = fixture<Training>("training.json")[run]!
        const session = yield* openSimple(64, optimizer)
        const batch = referenceBatch(simple(64), "weft-", 8)
        const actual: Array<number> = []
        for (const step of losses.keys())
          actual.push((yield* session.train(batch, { step, learningRate: optimizer.lr })).loss)
        assertNear(actual, losses, "losses")
        assertNear(firstOfRows(yield* session.predict(batch)), logitsAfter, "logits after")
      })
    )
}
