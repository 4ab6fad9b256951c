import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import type { Engine } from "../../../src/model/Engine.ts"
import { Network } from "../../../src/model/Network.ts"
import { elementAt } from "../../../src/pipeline/elementAt.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { kindAndTags } from "./columns.ts"
import { caseFields } from "./figures.ts"
import { trainsAs } from "./pyTorch.ts"
import { assertNear, assertSameBits, openSession, referenceBatch, referenceWeights } from "./reference.ts"

const Numbers = Schema.Array(Schema.Finite)

const Figures = Schema.Struct({
  salt: Schema.String,
  networks: Schema.Struct({ mobile: Network, columns: Network }),
  cases: Schema.Array(
    Schema.Struct({
      ...caseFields,
      network: Schema.Literals(["mobile", "columns"]),
      distillation: Schema.Struct({ temperature: Schema.Finite, weight: Schema.Finite }),
      /** Of each label column the teachers that have it, each with a row of logits for each image. */
      teacher: Schema.Array(Schema.Array(Schema.Array(Numbers))),
      known: Schema.optionalKey(Numbers),
      tags: Schema.optionalKey(Schema.Array(Schema.NullOr(Numbers))),
      lossWeights: Schema.optionalKey(Numbers),
      focal: Schema.optionalKey(Schema.Finite),
      adjustment: Schema.optionalKey(Numbers)
    })
  )
})

const { cases, networks, salt } = Schema.decodeSync(Schema.fromJsonString(Figures))(
  readFileSync(new URL("teacher.json", import.meta.url), "utf8")
)
type Case = (typeof cases)[number]

/** The batch of a case: images by the formula, the labels of its columns, its mixing and its teachers. */
const batchOf = ({ figures, known, mix, network, tags, teacher }: Case): Batch => {
  const { labels } = figures
  const batch =
    known === undefined || tags === undefined
      ? { ...referenceBatch(networks[network], salt, labels.length), labels: Int32Array.from(labels) }
      : kindAndTags(known, tags)
  const partners = Int32Array.from(labels, (_, i) => (i + labels.length - 1) % labels.length)
  return {
    ...batch,
    ...(mix && { mix: { partners, shares: Float32Array.from(mix) } }),
    teacher: teacher.map((column) => column.map((rows) => Float32Array.from(rows.flat())))
  }
}

/** Declares that an engine learns from a teacher beside the labels. */
export const learnsFromTeachers = (it: Vitest.MethodsNonLive<Engine>) => {
  it.effect.each(cases)("learns from a teacher as PyTorch does: $name", (one) =>
    trainsAs(one, one.figures, networks[one.network], batchOf(one), {
      teacher: one.distillation,
      lossWeights: one.lossWeights,
      focal: one.focal,
      adjustment: one.adjustment && Float32Array.from(one.adjustment)
    })
  )

  it.effect(
    "learns nothing more from a teacher without weight, and nothing from labels beside one with all of it",
    () =>
      Effect.gen(function* () {
        const batch = batchOf(elementAt(cases, 0))
        const { mobile } = networks
        const after = Effect.fnUntraced(function* (weight: number | undefined, given: Batch) {
          const teacher = weight === undefined ? undefined : { temperature: 3, weight }
          const session = yield* openSession(mobile, { weights: referenceWeights(mobile, salt), teacher })
          const { loss } = yield* session.train(given, { step: 0, learningRate: 0.05 })
          return { loss, state: yield* session.snapshot }
        })
        const [plain, without] = [yield* after(undefined, batch), yield* after(0, batch)]
        assertNear([without.loss], [plain.loss], "loss", 1e-6)
        for (const [name, { data }] of plain.state.weights)
          assertNear(elementAt([without.state.weights.get(name)!], 0).data, data, name, 1e-6)
        const others = { ...batch, labels: batch.labels.map((label) => (label + 1) % mobile.classes) }
        const [own, other] = [yield* after(1, batch), yield* after(1, others)]
        assert.strictEqual(other.loss, own.loss)
        assertSameBits(other.state, own.state)
      })
  )

  it.effect("refuses a batch without its teacher's logits, of other sizes, and with one that is no number", () =>
    Effect.gen(function* () {
      const { teacher, ...batch } = batchOf(elementAt(cases, 0))
      const session = yield* openSession(networks.mobile, { teacher: { temperature: 2, weight: 0.5 } })
      const refused = (given: Batch) =>
        Effect.map(Effect.flip(session.train(given, { step: 0, learningRate: 0.1 })), ({ message }) => message)
      const logits = elementAt(elementAt(teacher ?? [], 0), 0)
      assert.match(yield* refused(batch), /the batch has no logits of the teacher/)
      assert.match(
        yield* refused({ ...batch, teacher: [[logits.subarray(1)]] }),
        /a batch of 5 images has 24 of the teacher's logits for 5 classes/
      )
      assert.match(
        yield* refused({ ...batch, teacher: [[logits, logits.map((x, i) => (i === 7 ? Number.NaN : x))]] }),
        /the teacher answers NaN to sample sample 1/
      )
    })
  )
}
