import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { learningRateAt } from "../../src/model/schedule.ts"
import { ScheduleConfig } from "../../src/model/TrainConfig.ts"

/** The rates of all steps of a run. */
const rates = (
  schedule: typeof ScheduleConfig.Encoded,
  { epochs, stepsPerEpoch }: { readonly epochs: number; readonly stepsPerEpoch: number }
): ReadonlyArray<number> => {
  const config = { epochs, learningRate: 0.1, schedule: Schema.decodeSync(ScheduleConfig)(schedule) }
  return Array.from({ length: epochs * stepsPerEpoch }, (_, step) => learningRateAt(config, { step, stepsPerEpoch }))
}

const assertRates = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
  assert.lengthOf(actual, expected.length)
  expected.forEach((rate, step) => assert.closeTo(actual[step]!, rate, 1e-12 * rate, `step ${step}`))
}

it("one-cycle is PyTorch's OneCycleLR", () => {
  assertRates(
    rates({ kind: "one-cycle" }, { epochs: 2, stepsPerEpoch: 5 }),
    [
      0.0040000000000000036, 0.052000000000000005, 0.1, 0.09504846320134738, 0.0811745653949763, 0.06112620219362893,
      0.03887419780637107, 0.0188258346050237, 0.004951936798652629, 4e-7
    ]
  )
  // The top is between two steps.
  assertRates(
    rates({ kind: "one-cycle", rise: 0.45, startDivisor: 10, endDivisor: 100 }, { epochs: 1, stepsPerEpoch: 7 }),
    [
      0.009999999999999995, 0.05007829562299564, 0.09892341449001672, 0.08845907874070114, 0.053105024958051056,
      0.015827171337356186, 0.0001
    ]
  )
})

it("one-cycle of one or two steps is PyTorch's, too, and defined where PyTorch divides by zero", () => {
  assertRates(rates({ kind: "one-cycle" }, { epochs: 1, stepsPerEpoch: 1 }), [4e-7])
  assertRates(rates({ kind: "one-cycle" }, { epochs: 2, stepsPerEpoch: 1 }), [0.0811745653949763, 4e-7])
  assertRates(rates({ kind: "one-cycle", rise: 0.5 }, { epochs: 1, stepsPerEpoch: 2 }), [0.1, 4e-7])
})

it("cosine is PyTorch's CosineAnnealingLR, after a warm-up its LinearLR before that", () => {
  assertRates(
    rates({ kind: "cosine", final: 0.2 }, { epochs: 1, stepsPerEpoch: 7 }),
    [0.1, 0.09464101615137756, 0.08, 0.06, 0.04000000000000001, 0.02535898384862245, 0.02]
  )
  assertRates(
    rates({ kind: "cosine", final: 0.1, warmup: 0.3 }, { epochs: 5, stepsPerEpoch: 2 }),
    [
      0.03333333333333333, 0.06666666666666667, 0.1, 0.1, 0.09397114317029975, 0.07750000000000001,
      0.055000000000000014, 0.032500000000000015, 0.01602885682970026, 0.01
    ]
  )
})

it("step is PyTorch's StepLR, stepped once an epoch", () => {
  assertRates(
    rates({ kind: "step", everyEpochs: 2, gamma: 0.3 }, { epochs: 6, stepsPerEpoch: 2 }),
    [0.1, 0.1, 0.1, 0.1, 0.03, 0.03, 0.03, 0.03, 0.009, 0.009, 0.009, 0.009]
  )
})

it("constant stays, after a warm-up as PyTorch's LinearLR", () => {
  assertRates(rates({}, { epochs: 1, stepsPerEpoch: 3 }), [0.1, 0.1, 0.1])
  assertRates(
    rates({ warmup: 0.5 }, { epochs: 1, stepsPerEpoch: 8 }),
    [0.025, 0.05, 0.07500000000000001, 0.1, 0.1, 0.1, 0.1, 0.1]
  )
})

it("a warm-up and the drops of step go together", () => {
  assertRates(rates({ kind: "step", everyEpochs: 1, gamma: 0.5, warmup: 0.75 }, { epochs: 2, stepsPerEpoch: 2 }), [
    0.1 / 3,
    0.2 / 3,
    0.05,
    0.05
  ])
})

it("a run of a single step has the full rate, whatever the warm-up", () => {
  for (const kind of ["constant", "step", "cosine"] as const)
    for (const warmup of [0, 0.4, 1])
      assert.deepStrictEqual(rates({ kind, warmup }, { epochs: 1, stepsPerEpoch: 1 }), [0.1], kind)
})

const Kind = Schema.Literals(["constant", "step", "cosine", "one-cycle"])
const small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const rise = Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 0.99 }))

it.effect.prop(
  "every rate is a number from 0 to the learning rate, and cosine ends at its last rate",
  { kind: Kind, epochs: small, stepsPerEpoch: small, warmup: share, final: share, rise },
  ({ epochs, final, kind, rise, stepsPerEpoch, warmup }) =>
    Effect.sync(() => {
      const all = rates({ kind, warmup, final, rise }, { epochs, stepsPerEpoch })
      for (const rate of all) assert.isTrue(rate >= 0 && rate <= 0.1 * (1 + 1e-12), `${rate}`)
      const afterWarmup = all.length - Math.round(warmup * all.length)
      if (kind === "cosine" && afterWarmup > 1) assert.closeTo(all.at(-1)!, 0.1 * final, 1e-12)
    })
)
