import { assert, describe, it } from "@effect/vitest"
import type { Draw } from "../../../src/pipeline/draw.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import type { GateSample, Verdict } from "../../../src/run/serve/gate.ts"
import { gate } from "../../../src/run/serve/gate.ts"

const judge = (samples: ReadonlyArray<GateSample>): Verdict => gate([{ column: "articleType", samples }])

/** So many samples of one class, on which live and candidate answer as given. */
const of = (count: number, truth: string, live = truth, candidate = truth, from: GateSample["from"] = "test") =>
  Array.from({ length: count }, (): GateSample => ({ from, truth, live, candidate }))

const reasonsOf = ({ reasons }: Verdict) => reasons.map(({ of }) => of)

describe("the gate", () => {
  it("lets a model through that is the same, where there are enough samples to know", () => {
    assert.isTrue(judge([...of(400, "a"), ...of(300, "b", "a", "a")]).passes)
    const few = judge([...of(100, "a"), ...of(100, "b")])
    assert.isFalse(few.passes)
    assert.deepStrictEqual(reasonsOf(few), ["accuracy", "macroF1", "samples"])
    assert.include(few.reasons.at(-1)?.detail ?? "", "200 samples")
    // The number that it names is the fewest that passes.
    const least = Number(/fewer than (\d+)/.exec(few.reasons.at(-1)?.detail ?? "")?.[1])
    assert.isTrue(judge(of(least, "a")).passes)
    assert.isFalse(judge(of(least - 1, "a")).passes)
  })

  it("keeps back what nothing was measured of", () => {
    assert.isFalse(gate([]).passes)
    assert.isFalse(judge([]).passes)
  })

  it("holds each label column to it", () => {
    const good = { column: "articleType", samples: of(900, "a") }
    const bad = { column: "baseColour", samples: [...of(800, "Red"), ...of(60, "Blue", "Blue", "Red")] }
    const verdict = gate([good, bad])
    assert.isFalse(verdict.passes)
    assert.isTrue(verdict.reasons.every(({ column }) => column === "baseColour"))
  })

  it("keeps back a model that gains on the whole and loses a class of 30 samples, and names the class", () => {
    const gains = [...of(200, "b"), ...of(200, "b", "a", "b")]
    const verdict = judge([...of(900, "a"), ...gains, ...of(28, "rare"), ...of(2, "rare", "rare", "a")])
    assert.deepStrictEqual(reasonsOf(verdict), ["class"])
    assert.strictEqual(verdict.reasons[0]?.label, "rare")
    assert.deepStrictEqual(verdict.columns[0]?.falling, [{ label: "rare", support: 30, live: 1, candidate: 28 / 30 }])
    // One of 20 is exactly five points, and 29 samples are too few to say so of a class.
    assert.isTrue(judge([...of(900, "a"), ...gains, ...of(38, "rare"), ...of(2, "rare", "rare", "a")]).passes)
    assert.isTrue(judge([...of(900, "a"), ...gains, ...of(26, "rare"), ...of(3, "rare", "rare", "a")]).passes)
  })

  it("keeps back a model that is better on the old photos and worse on what comes in now", () => {
    const better = [...of(2000, "a"), ...of(60, "a", "b", "a")]
    assert.isTrue(judge([...better, ...of(40, "a", "a", "a", "blind")]).passes)
    const worse = judge([...better, ...of(28, "a", "a", "a", "blind"), ...of(12, "a", "a", "b", "blind")])
    assert.deepStrictEqual(reasonsOf(worse), ["blind"])
    assert.strictEqual(worse.columns[0]?.blind, 40)
  })

  it("takes a set for right where all of it is, and measures each class by itself", () => {
    const set = (
      count: number,
      truth: ReadonlyArray<string>,
      live: ReadonlyArray<string>,
      candidate: ReadonlyArray<string>
    ) => Array.from({ length: count }, (): GateSample => ({ from: "test", truth, live, candidate }))
    const same = judge([...set(600, ["red", "cotton"], ["cotton", "red"], ["red", "cotton"]), ...set(400, [], [], [])])
    assert.isTrue(same.passes)
    assert.deepStrictEqual([same.columns[0]?.accuracy?.live, same.columns[0]?.macroF1?.live], [1, 1])
    // One class too many is a wrong set, and costs that class precision alone.
    const more = judge([...set(900, ["red"], ["red"], ["red"]), ...set(100, ["red"], ["red"], ["cotton", "red"])])
    assert.strictEqual(more.columns[0]?.accuracy?.candidate, 0.9)
    assert.strictEqual(more.columns[0]?.macroF1?.candidate, 1)
    assert.deepStrictEqual(reasonsOf(more), ["accuracy"])
    assert.include(more.reasons[0]?.detail ?? "", "whole sets")
    // The set stays wrong, and the class that falls is named.
    const fell = judge([...set(960, ["a"], ["a"], ["a"]), ...set(40, ["a", "b"], ["b"], [])])
    assert.deepStrictEqual([fell.columns[0]?.accuracy?.live, fell.columns[0]?.accuracy?.candidate], [0.96, 0.96])
    assert.deepStrictEqual(fell.columns[0]?.falling, [{ label: "b", support: 40, live: 1, candidate: 0 }])
    // By hand: F1 of a is 2 * 960 / (1000 + 960); of b it is 1, and 0.
    assert.closeTo(fell.columns[0]?.macroF1?.difference ?? 0, -0.5, 1e-12)
  })

  it("measures macro F1 as scikit-learn does, and its spread as a bootstrap does", () => {
    const random = draw("macro F1")
    const labels = ["a", "b", "c", "d"]
    const samples = Array.from({ length: 800 }, (): GateSample => {
      const truth = labels[Math.floor(4 * random.next() ** 2)] ?? "a"
      const guess = (right: number) => (random.next() < right ? truth : (labels[random.below(4)] ?? "a"))
      const live = guess(0.8)
      return { from: "test", truth, live, candidate: random.next() < 0.9 ? live : guess(0.7) }
    })
    const macro = (some: ReadonlyArray<GateSample>, model: "live" | "candidate") => {
      const present = labels.filter((label) => some.some(({ truth }) => truth === label))
      const f1 = present.map((label) => {
        const hits = some.filter((sample) => sample.truth === label && sample[model] === label).length
        const all =
          some.filter(({ truth }) => truth === label).length + some.filter((sample) => sample[model] === label).length
        return (2 * hits) / all
      })
      return f1.reduce((sum, value) => sum + value, 0) / present.length
    }
    const measured = judge(samples).columns[0]?.macroF1
    assert.closeTo(measured?.live ?? 0, macro(samples, "live"), 1e-12)
    assert.closeTo(measured?.candidate ?? 0, macro(samples, "candidate"), 1e-12)
    const again = Array.from({ length: 2000 }, (_, round) => {
      const pick = draw("bootstrap", round)
      const some = samples.map(() => samples[pick.below(samples.length)] ?? of(1, "a")[0]!)
      return macro(some, "candidate") - macro(some, "live")
    })
    const mean = again.reduce((sum, value) => sum + value, 0) / again.length
    const deviation = Math.sqrt(again.reduce((sum, value) => sum + (value - mean) ** 2, 0) / again.length)
    const width = (measured?.interval.high ?? 0) - (measured?.interval.low ?? 0)
    assert.isAbove(width / (2 * 1.96), 0.95 * deviation)
    assert.isBelow(width / (2 * 1.96), 1.25 * deviation)
  })
})

const classes = 6
const features = 8

interface Photo {
  readonly x: ReadonlyArray<number>
  readonly label: number
}

/** Photos as features of a backbone: a normal cloud for each class. */
const photosOf = (random: Draw, count: number, means: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<Photo> =>
  Array.from({ length: count }, () => {
    const label = random.below(classes)
    return { label, x: (means[label] ?? []).map((mean) => mean + random.normal()) }
  })

/** A trained head: softmax regression by gradient descent on all photos, as Weft trains one on frozen features. */
const train = (photos: ReadonlyArray<Photo>): ((x: ReadonlyArray<number>) => number) => {
  const weights = Array.from({ length: classes }, () => new Float64Array(features + 1))
  const logitsOf = (x: ReadonlyArray<number>) =>
    weights.map((row) => x.reduce((sum, value, i) => sum + value * (row[i] ?? 0), row[features] ?? 0))
  for (let step = 0; step < 200; step++) {
    const slopes = weights.map(() => new Float64Array(features + 1))
    for (const { label, x } of photos) {
      const logits = logitsOf(x)
      const highest = Math.max(...logits)
      const exps = logits.map((logit) => Math.exp(logit - highest))
      const total = exps.reduce((sum, one) => sum + one, 0)
      slopes.forEach((slope, k) => {
        const error = (exps[k] ?? 0) / total - (k === label ? 1 : 0)
        for (let i = 0; i <= features; i++) slope[i] = (slope[i] ?? 0) + error * (x[i] ?? 1)
      })
    }
    weights.forEach((row, k) => {
      for (let i = 0; i <= features; i++)
        row[i] = (row[i] ?? 0) * (1 - 5e-4) - (0.5 / photos.length) * (slopes[k]?.[i] ?? 0)
    })
  }
  return (x) => {
    const logits = logitsOf(x)
    return logits.indexOf(Math.max(...logits))
  }
}

/** What becomes of a model that learns from 500 answers, of which `wrong` were mistaken for a similar class. */
const retrain = (seed: number, wrong: number): boolean => {
  const random = draw("gate", seed)
  const means = Array.from({ length: classes }, () => Array.from({ length: features }, () => 1.2 * random.normal()))
  const base = photosOf(random, 100, means)
  const answers = photosOf(random, 500, means).map((photo, n) =>
    n < wrong ? { ...photo, label: (photo.label + 1) % classes } : photo
  )
  const [live, candidate] = [train(base), train([...base, ...answers])]
  const measured = photosOf(random, 1500, means).map(({ label, x }, n): GateSample => ({
    // 5 % of the answers were blind.
    from: n < 25 ? "blind" : "test",
    truth: String(label),
    live: String(live(x)),
    candidate: String(candidate(x))
  }))
  return judge(measured).passes
}

it("500 answers with 20 % wrong ones are never promoted, 500 right ones at least 19 times of 20", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed)
  const bad = seeds.map((seed) => retrain(seed, 100))
  const good = seeds.map((seed) => retrain(seed, 0))
  assert.strictEqual(bad.filter(Boolean).length, 0)
  assert.isAtLeast(good.filter(Boolean).length, 19)
}, 120_000)
