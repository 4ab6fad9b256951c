import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Confusion from "../../src/metrics/Confusion.ts"
import { scoreIntervals } from "../../src/metrics/scoreIntervals.ts"
import type { MetricPath } from "../../src/metrics/metrics.ts"
import { metrics } from "../../src/metrics/metrics.ts"
import { countsOf } from "../../src/metrics/scores.ts"
import type { Interval } from "../../src/metrics/wilson.ts"
import { wilson } from "../../src/metrics/wilson.ts"
import type { Draw } from "../../src/pipeline/draw.ts"
import { draw } from "../../src/pipeline/draw.ts"

/** The metrics that have an interval and follow from the counts. */
const names = ["accuracy", "weighted.f1", "macro.f1", "balancedAccuracy"] as const
type Name = (typeof names)[number]

const valuesOf = (confusion: Confusion.Confusion): ReadonlyMap<MetricPath, number> => {
  const counts = countsOf(confusion)
  return new Map(
    metrics.flatMap((metric) => (metric.of === "counts" ? [[metric.path, metric.value(counts) ?? 0] as const] : []))
  )
}

const scoresOf = (confusion: Confusion.Confusion): Record<Name, number> => {
  const values = valuesOf(confusion)
  const at = (name: Name) => values.get(name) ?? Number.NaN
  return {
    accuracy: at("accuracy"),
    "weighted.f1": at("weighted.f1"),
    "macro.f1": at("macro.f1"),
    balancedAccuracy: at("balancedAccuracy")
  }
}

const intervalsOf = (confusion: Confusion.Confusion) => {
  const values = valuesOf(confusion)
  const found = scoreIntervals(confusion, ({ path }) => values.get(path) ?? null)
  return (name: Name): Interval => {
    const interval = found.get(name)
    assert.isDefined(interval, name)
    return interval
  }
}

describe("wilson", () => {
  it("gives the bounds of SciPy's binomtest(...).proportion_ci(method='wilson')", () => {
    for (const [hits, samples, low, high] of [
      [0, 7, 0, 0.35433043506668743],
      [7, 7, 0.6456695649333126, 1],
      [3, 10, 0.10779126740630102, 0.6032218525388546],
      [3884, 4333, 0.8869481645559664, 0.9051029243796366]
    ] as const) {
      const found = wilson(hits, samples)
      assert.approximately(found?.low ?? Number.NaN, low, 1e-12, `${hits} of ${samples}`)
      assert.approximately(found?.high ?? Number.NaN, high, 1e-12, `${hits} of ${samples}`)
    }
  })

  it("is nothing where nothing was seen", () => {
    assert.isNull(wilson(0, 0))
  })
})

/** Classes of so many test samples, and which share of each is taken for which class. */
interface Population {
  readonly sizes: ReadonlyArray<number>
  readonly rows: ReadonlyArray<ReadonlyArray<number>>
}

/** Errors go to few of the neighbouring classes, as they do in a catalogue. */
const population = (
  name: string,
  sizes: ReadonlyArray<number>,
  recall: (place: number, random: Draw) => number
): Population => {
  const random = draw("population", name)
  const rows = sizes.map((_, i) => {
    const right = recall(i, random)
    const weights = sizes.map((_, k) => (k === i ? 0 : random.next() ** (Math.abs(k - i) < 6 ? 4 : 12)))
    const sum = weights.reduce((a, b) => a + b, 0)
    return weights.map((weight, k) => (k === i ? right : ((1 - right) * weight) / sum))
  })
  return { sizes, rows }
}

/** 70 classes of 500 samples down to one, the last 18 of one each: 4,685 in all. */
const longTail = Array.from({ length: 70 }, (_, i) => Math.max(1, Math.round(500 ** (1 - i / 55))))

/** A test part of as many samples of each class, by the split's stratification. */
const drawn = ({ rows, sizes }: Population, random: Draw): Confusion.Confusion => {
  const classes = sizes.length
  const counts = new Float64Array(classes * classes)
  for (const [row, shares] of rows.entries())
    for (let i = 0; i < sizes[row]!; i++) {
      let left = random.next()
      const column = shares.findIndex((share) => (left -= share) < 0)
      counts[row * classes + (column < 0 ? row : column)]! += 1
    }
  return { classes, counts }
}

/** How often each interval holds the score of the population, in percent; all hold the score of the samples. */
const coverageOf = (name: string, population: Population, repeats: number) => {
  const { rows, sizes } = population
  const truth = scoresOf({
    classes: sizes.length,
    counts: Float64Array.from(rows.flatMap((row, i) => row.map((share) => share * sizes[i]!)))
  })
  const held = { accuracy: 0, "weighted.f1": 0, "macro.f1": 0, balancedAccuracy: 0 }
  for (let repeat = 0; repeat < repeats; repeat++) {
    const confusion = drawn(population, draw("coverage", name, repeat))
    const intervals = intervalsOf(confusion)
    const seen = scoresOf(confusion)
    for (const name of names) {
      const { high, low } = intervals(name)
      assert.isTrue(low <= seen[name] && seen[name] <= high, `${name} ${low} ${seen[name]} ${high}`)
      if (low <= truth[name] && truth[name] <= high) held[name] += 100 / repeats
    }
  }
  return held
}

const isWithin = ({ high, low }: Interval, score: number) => low <= score && score <= high

describe("scoreIntervals", () => {
  it("are Wilson's for the accuracy, and nothing where nothing was counted", () => {
    const confusion = Confusion.fromRows([
      [70, 10],
      [5, 15]
    ])
    assert.deepStrictEqual(intervalsOf(confusion)("accuracy"), wilson(85, 100) ?? undefined)
    assert.strictEqual(scoreIntervals(Confusion.empty(3), () => 0.5).size, 0)
  })

  it("come near the standard errors of Takahashi's formulas where every class is large", () => {
    const confusion = Confusion.fromRows([
      [7000, 700, 300],
      [200, 1700, 100],
      [40, 60, 400]
    ])
    const macroF1 = intervalsOf(confusion)("macro.f1")
    // Var = Σ over the cells of n (dF / dn)², in numpy with numerical derivatives.
    assert.approximately((macroF1.high - macroF1.low) / 2 / 1.959964, 0.00642491, 2e-5)
    assert.approximately((macroF1.high + macroF1.low) / 2, scoresOf(confusion)["macro.f1"], 3e-4)
  })

  const Cell = Schema.Literals([0, 0, 0, 1, 2, 9, 250])
  const Counts = Schema.Array(Cell).check(Schema.isMinLength(16), Schema.isMaxLength(16))
  it.effect.prop("hold the scores themselves, within 0 and 1, whatever was counted", [Counts], ([counts]) =>
    Effect.sync(() => {
      const confusion = { classes: 4, counts: Float64Array.from(counts) }
      if (counts.every((count) => count === 0)) return assert.strictEqual(scoreIntervals(confusion, () => 0).size, 0)
      const intervals = intervalsOf(confusion)
      const seen = scoresOf(confusion)
      for (const name of names) {
        const interval = intervals(name)
        assert.isTrue(isWithin(interval, seen[name]), `${name}: ${seen[name]} in ${JSON.stringify(interval)}`)
        assert.isTrue(interval.low >= 0 && interval.high <= 1 && interval.low < interval.high)
      }
    })
  )

  // Of 300 repeats at a true coverage of 95 %, 91 to 99 % hold it in all but one of a thousand simulations.
  for (const [name, sizes, recall] of [
    ["classes of which the rare ones are recognised less often", longTail, (i) => 0.95 - (0.55 * i) / 69],
    ["classes that are recognised in 60 to 100 %", longTail, (_, random) => 1 - 0.4 * random.next() ** 2],
    ["70 classes of five", Array<number>(70).fill(5), () => 0.85],
    ["70 classes of 57", Array<number>(70).fill(57), (_, random) => random.between(0.7, 1)],
    ["14 classes of 30", Array<number>(14).fill(30), () => 0.95]
  ] as ReadonlyArray<readonly [string, ReadonlyArray<number>, (place: number, random: Draw) => number]>)
    it(`hold the true scores of ${name} in about 95 of 100 test parts`, { timeout: 60_000 }, () => {
      const held = coverageOf(name, population(name, sizes, recall), 300)
      for (const one of names) assert.isTrue(held[one] >= 91, `${one}: ${held[one].toFixed(1)} %`)
    })

  it("hold the true F1 less often where most classes have one sample only, for F1 is biased then", () => {
    const held = coverageOf(
      "ones",
      population("ones", Array<number>(70).fill(1), () => 0.85),
      200
    )
    assert.isAtLeast(held.accuracy, 91)
    assert.isAtLeast(held.balancedAccuracy, 91)
    assert.isTrue(held["macro.f1"] > 60 && held["macro.f1"] < 91, `${held["macro.f1"]} %`)
  })
})
