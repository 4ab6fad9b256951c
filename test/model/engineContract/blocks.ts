import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema, SchemaGetter } from "effect"
import { readFileSync } from "node:fs"
import { Block } from "../../../src/model/Block.ts"
import type { Engine } from "../../../src/model/Engine.ts"
import * as EngineFeatures from "../../../src/model/EngineFeatures.ts"
import { Features } from "../../../src/model/Features.ts"
import { Network } from "../../../src/model/Network.ts"
import { inputShape, parameters } from "../../../src/model/shapes.ts"
import { caseFields } from "./figures.ts"
import { trainsAs } from "./pyTorch.ts"
import { openSession, referenceBatch, referenceWeights } from "./reference.ts"
import { assertSame } from "./windows.ts"

/** Numbers in a text: JSON has neither NaN nor infinities. */
const Numbers = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.Number), {
    decode: SchemaGetter.transform((text: string) => text.split(" ").map(Number)),
    encode: SchemaGetter.transform((numbers: ReadonlyArray<number>) => numbers.join(" "))
  })
)

const networkNames = ["gated", "convnext", "transformer", "tokens"] as const

const Blocks = Schema.Struct({
  salt: Schema.String,
  networks: Schema.Record(Schema.Literals(networkNames), Network),
  cases: Schema.Array(Schema.Struct({ ...caseFields, network: Schema.Literals(networkNames) })),
  forward: Schema.Array(Schema.Struct({ blocks: Schema.Array(Block), images: Numbers, output: Numbers }))
})

/** What PyTorch makes of gates, layer norms, attention and the rest, as `blocks.py` wrote it down. */
export const blockFigures = Schema.decodeSync(Schema.fromJsonString(Blocks))(
  readFileSync(new URL("blocks.json", import.meta.url), "utf8")
)

const { cases, forward, networks, salt } = blockFigures

const size = 6
const input = { height: 4, width: 3 } as const

/** The cases of single blocks in inference, on images with NaN and infinities: what goes in, and what PyTorch gives. */
export const forwardCases = forward.map(({ blocks, images, output }) => {
  const network = { ...input, name: "forward", classes: 1, blocks }
  return {
    title: blocks.map((block) => ("kind" in block ? `${block._tag} ${block.kind}` : block._tag)).join(", "),
    frozen: { blocks, input: inputShape(network), weights: referenceWeights(network, salt) },
    images: Float32Array.from(images),
    size,
    output
  }
})

/** Declares that a Layer of `Features` has NaN and infinities where PyTorch has them in the newer blocks. */
export const blocksKeepWhatIsNoNumber = (it: Vitest.MethodsNonLive<Features>) => {
  it.effect.each(forwardCases)("has NaN and infinities where PyTorch has them: $title", ({ frozen, images, output }) =>
    Effect.gen(function* () {
      const { run } = yield* (yield* Features).open(frozen)
      assertSame(yield* run(images, size), output, "output")
    })
  )
}

/** Declares that an engine computes the blocks of newer networks as PyTorch does. */
export const computesNewerBlocks = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect.each(cases)("trains as PyTorch does: $name", ({ figures, ...options }) =>
    Effect.gen(function* () {
      const network = networks[options.network]
      const batch = referenceBatch(network, salt, options.batch)
      assert.deepStrictEqual([...batch.labels], figures.labels)
      yield* trainsAs(options, figures, network, batch)
    })
  )

  it.effect.each(forwardCases)("has NaN and infinities where PyTorch has them: $title", ({ frozen, images, output }) =>
    Effect.gen(function* () {
      const { run } = yield* (yield* Features).open(frozen)
      assertSame(yield* run(images, size), output, "output")
    }).pipe(Effect.provide(EngineFeatures.layer))
  )

  it.effect("draws stochastic depth by step and name: the same bits again, and others in another step", () =>
    Effect.gen(function* () {
      const network = networks.convnext
      const batch = referenceBatch(network, salt, 5)
      const logits = Effect.fnUntraced(function* (step: number) {
        const session = yield* openSession(network, { weights: referenceWeights(network, salt) })
        return [...(yield* session.train(batch, { step, learningRate: 0.01 })).logits]
      }, Effect.scoped)
      const first = yield* logits(0)
      assert.deepStrictEqual(yield* logits(0), first)
      assert.notDeepEqual(yield* logits(1), first)
    })
  )

  it.effect("freezes all before a block: not a bit of them changes", () =>
    Effect.gen(function* () {
      for (const [name, from] of [
        ["gated", 5],
        ["transformer", 6]
      ] as const) {
        const network = networks[name]
        const weights = referenceWeights(network, salt)
        const freezing = { stages: [{ step: 0, from }], keepStatistics: false, rates: new Map<string, number>() }
        const session = yield* openSession(network, { weights, freezing })
        yield* session.train(referenceBatch(network, salt, 5), { step: 0, learningRate: 0.1 })
        const { weights: after } = yield* session.snapshot
        const front = parameters({ ...network, blocks: network.blocks.slice(0, from) })
        for (const { name } of front) assert.deepStrictEqual(after.get(name)!.data, weights.get(name)!.data, name)
        const behind = parameters(network).slice(front.length)
        for (const { name } of behind) assert.notDeepEqual(after.get(name)!.data, weights.get(name)!.data, name)
      }
    })
  )
}
