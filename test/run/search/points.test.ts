import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { optimizers } from "../../../src/model/optimizers.ts"
import { SearchConfig } from "../../../src/run/search/SearchConfig.ts"
import { passengers } from "../../../src/run/search/passengers.ts"
import type { RunConfig } from "../../../src/config/RunConfig.ts"
import { decodeConfig } from "../../../src/config/RunConfig.ts"
import { searchPoints } from "../../../src/run/search/points.ts"
import { intBetween } from "../../../src/config/Setting.ts"

const base = { data: { sample: {} }, train: { epochs: 9 } }
const points = (raw: object) =>
  Effect.flatMap(decodeConfig(SearchConfig, { base, ...raw }, "s.toml"), (search) => searchPoints(search, "s.toml"))
const problems = (raw: object) => Effect.map(Effect.flip(points(raw)), (error) => error.problems)
const rates = { path: "train.learningRate", range: { from: 0.001, to: 0.1, scale: "log" } }
const batches = { path: "train.batchSize", range: { from: 2, to: 64, scale: "log" } }
const flips = { path: "augment.flip", range: { from: 0.25, to: 0.75 } }
const random = (trials: number) => ({ kind: "random", trials })

describe("the points of a grid", () => {
  it.effect("are all combinations, the last axis fastest, each with its full configuration and a name of its own", () =>
    Effect.gen(function* () {
      const { duplicates, trials } = yield* points({
        name: "shoes",
        axes: [
          { path: "train.optimizer.kind", values: ["sgd", "adam"] },
          { path: "train.learningRate", range: { ...rates.range, steps: 3 } }
        ]
      })
      assert.isEmpty(duplicates)
      assert.deepStrictEqual(
        trials.map(({ config: { train }, id }) => [id, train.optimizer.kind, train.learningRate, train.epochs]),
        [
          ["001-sgd-0.001", "sgd", 0.001, 9],
          ["002-sgd-0.01", "sgd", 0.01, 9],
          ["003-sgd-0.1", "sgd", 0.1, 9],
          ["004-adam-0.001", "adam", 0.001, 9],
          ["005-adam-0.01", "adam", 0.01, 9],
          ["006-adam-0.1", "adam", 0.1, 9]
        ]
      )
      assert.deepStrictEqual(trials[4]?.settings, { "train.optimizer.kind": "adam", "train.learningRate": 0.01 })
      assert.strictEqual(trials[4]?.config.name, "shoes-005-adam-0.01")
    })
  )

  it.effect("take layer-wise decay as an axis, whose bounds are those of a run", () =>
    Effect.gen(function* () {
      const axis = (values: ReadonlyArray<number>) => ({ axes: [{ path: "train.layerDecay", values }] })
      const { trials } = yield* points(axis([0.65, 0.75, 1]))
      assert.deepStrictEqual(
        trials.map(({ config }) => config.train.layerDecay),
        [0.65, 0.75, 1]
      )
      assert.match((yield* problems(axis([0.75, 1.25]))).join(), /train\.layerDecay.*between 0\.000001 and 1/)
    })
  )

  it.effect("have whole sections as values, and keys within them", () =>
    Effect.gen(function* () {
      const { trials } = yield* points({
        base: { ...base, network: { name: "simple-cnn", batchNorm: "frozen" } },
        axes: [
          {
            path: "network",
            values: [
              { name: "mobilenet-v2", weights: "a" },
              { name: "vgg16", weights: "b c" }
            ]
          },
          { path: "network.head", values: ["fc", "batchnorm"] },
          { path: "network.trainable.from", values: ["features.3"] }
        ]
      })
      assert.deepStrictEqual(
        trials.map(({ config: { network }, id }) => [id, network.weights, network.head, network.batchNorm]),
        [
          ["001-mobilenet-v2-fc-features.3", "a", "fc", "train"],
          ["002-mobilenet-v2-batchnorm-features.3", "a", "batchnorm", "train"],
          ["003-vgg16-fc-features.3", "b c", "fc", "train"],
          ["004-vgg16-batchnorm-features.3", "b c", "batchnorm", "train"]
        ]
      )
      assert.deepStrictEqual(trials[0]?.config.network.trainable, { from: "features.3" })
    })
  )

  it.effect("are whole numbers where the key is whole, none of them twice", () =>
    Effect.gen(function* () {
      const { trials } = yield* points({ axes: [{ ...batches, range: { ...batches.range, to: 4, steps: 9 } }] })
      assert.deepStrictEqual(
        trials.map(({ config }) => config.train.batchSize),
        [2, 3, 4]
      )
      assert.match(
        (yield* problems({ axes: [{ path: "train.batchSize", range: { from: 1.5, to: 4, steps: 2 } }] })).join(),
        /`axes\.0\.range`: Expected whole numbers for `train\.batchSize`, got 1\.5 to 4/
      )
    })
  )

  it.effect("that give one configuration are reported, and trained once", () =>
    Effect.gen(function* () {
      const { duplicates, trials } = yield* points({
        axes: [
          { path: "loader.prefetch", values: [2, 3] },
          { path: "train.epochs", values: [9, 5, 9] }
        ]
      })
      assert.deepStrictEqual(
        trials.map(({ id }) => id),
        ["001-2-9", "002-2-5"]
      )
      assert.deepStrictEqual(
        duplicates.map(({ sameAs, settings }) => [...Object.values(settings), sameAs]),
        [
          [2, 9, "001-2-9"],
          [3, 9, "001-2-9"],
          [3, 5, "002-2-5"],
          [3, 9, "001-2-9"]
        ]
      )
    })
  )
})

describe("bad points", () => {
  it.effect("are all named at once, with their settings; a fault of all of them is named once", () =>
    Effect.gen(function* () {
      const axes = [
        { path: "train.learningRate", values: [0.1, -1] },
        { path: "train.optimizer.kind", values: ["sgd", "adams"] }
      ]
      const found = yield* problems({ axes, base: { ...base, image: { hight: 9 } } })
      const settings = (rate: number, kind: string) =>
        `(train.learningRate = ${rate}, train.optimizer.kind = "${kind}")`
      const kinds = optimizers.map(({ kind }) => `"${kind}"`).join(" | ")
      assert.deepStrictEqual(found, [
        "every trial: there is no key `image.hight`; did you mean `image.height`?",
        `trial 2 ${settings(0.1, "adams")}: \`train.optimizer.kind\`: Expected ${kinds}, got "adams"; did you mean "adam"?`,
        `trial 3 ${settings(-1, "sgd")}: \`train.learningRate\`: Expected a value between 1e-12 and 10000, got -1`,
        `trial 4 ${settings(-1, "adams")}: \`train.learningRate\`: Expected a value between 1e-12 and 10000, got -1`,
        `trial 4 ${settings(-1, "adams")}: \`train.optimizer.kind\`: Expected ${kinds}, got "adams"; did you mean "adam"?`
      ])
    })
  )

  it.effect("an axis over an unknown key is reported once, with a suggestion", () =>
    Effect.gen(function* () {
      const axes = [{ path: "train.learningrate", values: [1, 2, 3] }]
      assert.deepStrictEqual(yield* problems({ axes }), [
        "`axes.0.path`: there is no key `train.learningrate`; did you mean `train.learningRate`?"
      ])
    })
  )

  it.effect("a trial that the objective cannot judge, or that halving cannot halve, is wrong", () =>
    Effect.gen(function* () {
      const axes = [{ path: "train.learningRate", values: [0.1, 0.2] }]
      const all = Effect.map(
        Effect.all([
          problems({ axes, base: { data: { sample: {}, split: { train: 0.9, validation: 0, test: 0.1 } } } }),
          problems({ axes, objective: { metric: "calibration.test.eceAfter" } }),
          problems({ axes, strategy: { kind: "halving", minEpochs: 9 } }),
          problems({ axes: [{ path: "train.epochs", values: [3, 4] }], strategy: { kind: "halving" } })
        ]),
        (lists) => lists.map((list) => list.join())
      )
      assert.deepStrictEqual(yield* all, [
        "every trial: the objective validationLoss needs a `data.split.validation` above 0",
        "every trial: the objective calibration.test.eceAfter needs a `calibration`",
        "every trial: halving needs `train.epochs` (9) above its `minEpochs` (9)",
        "halving sets the epochs of its trials itself: expected one `train.epochs`, got 3, 4"
      ])
    })
  )
})

describe("drawn points", () => {
  const settingsOf = (raw: object) => Effect.map(points(raw), ({ trials }) => trials.map(({ settings }) => settings))

  it.effect.prop(
    "depend on seed, trial and key alone, whatever the number of trials and the order of the axes, and keep bounds",
    { seed: intBetween(0, 2 ** 32 - 1), few: intBetween(1, 4), more: intBetween(1, 4) },
    ({ few, more, seed }) =>
      Effect.gen(function* () {
        const first = yield* settingsOf({ seed, axes: [rates, batches, flips], strategy: random(few) })
        const again = yield* settingsOf({ seed, axes: [flips, rates, batches], strategy: random(few + more) })
        assert.deepStrictEqual(first, again.slice(0, few))
        const halved = yield* settingsOf({
          seed,
          axes: [batches, flips, rates],
          strategy: { kind: "halving", trials: few }
        })
        assert.deepStrictEqual(first, halved)
        for (const settings of again) {
          const [rate, batch, flip] = [rates, batches, flips].map(({ path }) => Number(settings[path]))
          assert.isTrue(rate! >= 0.001 && rate! <= 0.1 && flip! >= 0.25 && flip! <= 0.75)
          assert.isTrue(Number.isInteger(batch) && batch! >= 2 && batch! <= 64)
        }
      }),
    { arbitrary: { runs: 20 } }
  )

  it.effect("of another seed are others", () =>
    Effect.gen(function* () {
      const axes = [rates]
      const [one, two] = yield* Effect.all([
        settingsOf({ seed: 1, axes, strategy: random(5) }),
        settingsOf({ seed: 2, axes, strategy: random(5) })
      ])
      assert.strictEqual(new Set([...one, ...two].map((settings) => settings[rates.path])).size, 10)
    })
  )

  it.effect("are uniform in the value or in its logarithm, and whole numbers have even chances", () =>
    Effect.gen(function* () {
      const few = { path: "loader.prefetch", range: { from: 2, to: 4 } }
      const kinds = { path: "train.optimizer.kind", values: ["sgd", "adam", "adamw"] }
      const drawn = yield* settingsOf({ axes: [rates, flips, few, kinds], strategy: random(3000) })
      // Shares of ten even slices; the standard deviation of each is sqrt(0.1 · 0.9 / 3000) = 0.0055.
      const shares = (slices: number, place: (settings: Readonly<Record<string, unknown>>) => number) => {
        const counts = Array.from({ length: slices }, () => 0)
        for (const settings of drawn) {
          const slice = Math.floor(slices * place(settings))
          assert.isTrue(slice >= 0 && slice < slices)
          counts[slice] = counts[slice]! + 1 / drawn.length
        }
        return counts
      }
      const even = (found: ReadonlyArray<number>) => {
        for (const share of found) assert.closeTo(share, 1 / found.length, 0.03)
      }
      even(shares(10, (s) => Math.log(Number(s[rates.path]) / 0.001) / Math.log(100)))
      even(shares(10, (s) => (Number(s[flips.path]) - 0.25) / 0.5))
      even(shares(3, (s) => (Number(s[few.path]) - 2 + 0.5) / 3))
      // Axes are drawn apart: the quarters of two of them have a quarter of the draws each.
      const half = (place: number) => (place < 0.5 ? 0 : 1)
      even(
        shares(4, (s) => {
          const rate = Math.log(Number(s[rates.path]) / 0.001) / Math.log(100)
          return (2 * half(rate) + half((Number(s[flips.path]) - 0.25) / 0.5) + 0.5) / 4
        })
      )
      even(shares(3, (s) => (kinds.values.indexOf(String(s[kinds.path])) + 0.5) / 3))
    })
  )
})

describe("the points of a search with folds and seeds", () => {
  const axes = [{ path: "train.learningRate", values: [0.1, 0.01] }]
  const splits = (trials: ReadonlyArray<{ readonly id: string; readonly config: RunConfig }>) =>
    trials.map(({ config: { data, seed }, id }) => [id, seed, data.split.seed, data.split.fold])

  it.effect("are trained once on every fold, which alone tells the trials apart; best.toml has none", () =>
    Effect.gen(function* () {
      const { trials } = yield* points({ base: { ...base, seed: 7 }, axes, folds: 3 })
      assert.deepStrictEqual(splits(trials).slice(0, 4), [
        ["001f1-0.1", 7, undefined, { number: 1, of: 3 }],
        ["001f2-0.1", 7, undefined, { number: 2, of: 3 }],
        ["001f3-0.1", 7, undefined, { number: 3, of: 3 }],
        ["002f1-0.01", 7, undefined, { number: 1, of: 3 }]
      ])
      assert.deepStrictEqual(trials[1]?.repetition, { setting: "001-0.1", fold: 2 })
      assert.deepStrictEqual(splits(trials.slice(0, 1).map(({ plain }) => ({ id: "", config: plain }))), [
        ["", 7, undefined, undefined]
      ])
      assert.strictEqual(new Set(trials.map(({ digest }) => digest)).size, 6)
      // The trials of a fold share a pass, and no others do.
      const found = yield* passengers(trials)
      assert.strictEqual(new Set(found.map(({ pass }) => pass)).size, 3)
      assert.strictEqual(found[0]?.pass, found[3]?.pass)
      assert.deepStrictEqual(
        found.map(({ setting }) => setting),
        ["001-0.1", "001-0.1", "001-0.1", "002-0.01", "002-0.01", "002-0.01"]
      )
    })
  )

  it.effect("are trained once with every seed, and keep the test part of the base's", () =>
    Effect.gen(function* () {
      const counted = yield* points({ base: { ...base, seed: 7 }, axes, seeds: 2 })
      assert.deepStrictEqual(splits(counted.trials), [
        ["001s7-0.1", 7, 7, undefined],
        ["001s8-0.1", 8, 7, undefined],
        ["002s7-0.01", 7, 7, undefined],
        ["002s8-0.01", 8, 7, undefined]
      ])
      const data = { sample: {}, split: { seed: 4 } }
      const listed = yield* points({ base: { ...base, data }, axes, seeds: [9, 2], folds: 2 })
      assert.deepStrictEqual(splits(listed.trials).slice(0, 4), [
        ["001s9f1-0.1", 9, 4, { number: 1, of: 2, seed: 9 }],
        ["001s9f2-0.1", 9, 4, { number: 2, of: 2, seed: 9 }],
        ["001s2f1-0.1", 2, 4, { number: 1, of: 2, seed: 2 }],
        ["001s2f2-0.1", 2, 4, { number: 2, of: 2, seed: 2 }]
      ])
    })
  )

  it.effect("need no validation share, and no second place that sets the fold or the seed", () =>
    Effect.gen(function* () {
      const data = { sample: {}, split: { train: 0.8, validation: 0, test: 0.2 } }
      assert.lengthOf((yield* points({ base: { ...base, data }, axes, folds: 2 })).trials, 4)
      assert.match((yield* problems({ base: { ...base, data }, axes })).join(), /validationLoss needs/)
      const fold = { path: "data.split.fold", values: [{ number: 1, of: 2 }] }
      assert.match((yield* problems({ axes: [fold], folds: 2 })).join(), /no axis over `data.split.fold`/)
      const within = { path: "data.split.fold.number", values: [1, 2] }
      assert.match((yield* problems({ axes: [within], folds: 2 })).join(), /no axis over `data.split.fold`/)
      assert.match((yield* problems({ axes: [{ path: "seed", values: [1] }], seeds: 2 })).join(), /no axis over `seed`/)
      const one = { ...base, data: { sample: {}, split: { fold: { number: 1, of: 2 } } } }
      assert.match((yield* problems({ base: one, axes, folds: 2 })).join(), /no `base.data.split.fold`/)
      assert.match((yield* problems({ axes, seeds: [3, 3] })).join(), /different seeds/)
      assert.match((yield* problems({ axes, seeds: 101, folds: 100 })).join(), /at most 10000 trials/)
    })
  )

  it.effect("with the same configuration are one setting", () =>
    Effect.gen(function* () {
      const twice = [{ path: "train.learningRate", values: [0.1, 0.1] }]
      const { duplicates, trials } = yield* points({ axes: twice, folds: 2 })
      assert.lengthOf(trials, 2)
      assert.deepStrictEqual(
        duplicates.map(({ sameAs }) => sameAs),
        ["001-0.1"]
      )
    })
  )
})

it.effect("the trials' names are short and plain, and unique where case does not count", () =>
  Effect.gen(function* () {
    const labels = ["a/b\\c:d", "..", "CON", "con", "ä ö", "x".repeat(200), "-"].map((label) => [label])
    const { trials } = yield* points({
      axes: [
        { path: "data.labels", values: labels },
        { path: "data.limit", values: [30, 31] }
      ]
    })
    assert.strictEqual(new Set(trials.map(({ id }) => id.toLowerCase())).size, 14)
    for (const { id } of trials) {
      assert.match(id, /^\d{3}(-[A-Za-z0-9.]+)+$/)
      assert.isAtMost(id.length, 80)
      assert.notMatch(id, /[.-]$/)
    }
  })
)
