import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { draw } from "../../src/pipeline/draw.ts"
import { groupNames } from "../../src/pipeline/grouping.ts"
import { split } from "../../src/pipeline/split.ts"

/** As many samples of each class as the sizes say. */
const samplesOf = (sizes: ReadonlyArray<number>) =>
  sizes.flatMap((size, label) => Array.from({ length: size }, (_, i) => ({ id: `${label}-${i}`, label })))

const shuffled = <A>(things: ReadonlyArray<A>): ReadonlyArray<A> => {
  const { next } = draw("shuffled")
  return things
    .map((thing) => ({ thing, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ thing }) => thing)
}

const Sizes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 60 })))
const Percent = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 45 }))

describe("split", () => {
  it.effect.prop(
    "puts every sample in one part, and every class in every part; the samples' order is of no account",
    { sizes: Sizes, seed: Schema.Int, validation: Percent, test: Percent },
    ({ seed, sizes, test, validation }) =>
      Effect.sync(() => {
        const samples = samplesOf(sizes)
        const config = { train: 1 - validation / 100 - test / 100, validation: validation / 100, test: test / 100 }
        const parts = split(samples, config, seed)
        const all = [...parts.train, ...parts.validation, ...parts.test]
        assert.strictEqual(all.length, samples.length)
        assert.strictEqual(new Set(all).size, samples.length)
        for (const part of ["train", "validation", "test"] as const) {
          const labels = new Set(parts[part].map(({ label }) => label))
          assert.strictEqual(labels.size, config[part] > 0 ? sizes.length : 0)
        }
        assert.deepStrictEqual(split(shuffled(samples), config, seed), parts)
      })
  )

  it("rounds each class's counts", () => {
    const counts = (size: number) => {
      const parts = split(samplesOf([size]), { train: 0.8, validation: 0.1, test: 0.1 }, 1)
      return [parts.train.length, parts.validation.length, parts.test.length]
    }
    assert.deepStrictEqual(counts(3), [1, 1, 1])
    assert.deepStrictEqual(counts(4), [2, 1, 1])
    assert.deepStrictEqual(counts(10), [8, 1, 1])
    assert.deepStrictEqual(counts(52), [42, 5, 5])
    assert.deepStrictEqual(counts(58), [46, 6, 6])
    assert.deepStrictEqual(counts(1000), [800, 100, 100])
  })

  it("draws other parts from another seed", () => {
    const config = { train: 0.8, validation: 0.1, test: 0.1 }
    const ids = (seed: number) => split(samplesOf([200]), config, seed).test.map(({ id }) => id)
    assert.notDeepEqual(ids(1), ids(2))
    assert.deepStrictEqual(ids(1), ids(1))
  })

  it("leaves a sample where it is when others of its class come or go, but for the ones at the borders", () => {
    const config = { train: 0.8, validation: 0.1, test: 0.1 }
    const few = new Set(split(samplesOf([200]), config, 1).train.map(({ id }) => id))
    const more = new Set(split(samplesOf([220]), config, 1).train.map(({ id }) => id))
    assert.isAbove([...few].filter((id) => more.has(id)).length, 150)
  })

  const shares = { train: 0.8, validation: 0.1, test: 0.1 }

  it("divides single samples as it does without groups, whatever a few groups elsewhere are", () => {
    const samples = samplesOf([200, 80, 33])
    const alone = split(samples, shares, 4)
    // Groups of one, named by their ids.
    assert.deepStrictEqual(split(samples, shares, 4, new Map(samples.map(({ id }) => [id, id]))), alone)
    const pair = new Map([
      ["1-3", "1-3"],
      ["1-4", "1-3"]
    ])
    const parts = split(samples, shares, 4, pair)
    const others = (part: ReadonlyArray<{ readonly id: string; readonly label: number }>) =>
      part.filter(({ label }) => label !== 1)
    assert.deepStrictEqual(others(parts.test), others(alone.test))
    const moved = parts.train.filter(({ id }) => !alone.train.some((one) => one.id === id))
    assert.isAtMost(moved.length, 2)
  })

  /** Of each class, groups of these sizes; a group may have a few samples of the class before as well. */
  const GroupSize = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
  const Groups = Schema.Array(
    Schema.Array(Schema.Struct({ size: GroupSize, mixed: Schema.Literals([0, 0, 0, 0, 2]) })).check(
      Schema.isBetweenLength(3, 40)
    )
  ).check(Schema.isBetweenLength(1, 6))
  it.effect.prop(
    "keeps a group in one part; classes with three groups of their own reach every part, their shares within the bound",
    { classes: Groups, seed: Schema.Int, validation: Percent, test: Percent },
    ({ classes, seed, test, validation }) =>
      Effect.sync(() => {
        const config = { train: 1 - validation / 100 - test / 100, validation: validation / 100, test: test / 100 }
        const groups = new Map<string, string>()
        const samples = classes.flatMap((sizes, label) =>
          sizes.flatMap(({ mixed, size }, group) =>
            Array.from({ length: size + mixed }, (_, i) => {
              const id = `${label}-${group}-${i}`
              groups.set(id, `${label}-${group}`)
              return { id, label: i < size ? label : Math.max(0, label - 1) }
            })
          )
        )
        const parts = split(samples, config, seed, groups)
        const all = [...parts.train, ...parts.validation, ...parts.test]
        assert.strictEqual(new Set(all.map(({ id }) => id)).size, samples.length)
        assert.strictEqual(all.length, samples.length)
        const names = (["train", "validation", "test"] as const).map(
          (part) => new Set(parts[part].map(({ id }) => groups.get(id)))
        )
        assert.strictEqual(
          names.reduce((sum, { size }) => sum + size, 0),
          new Set(groups.values()).size
        )
        classes.forEach((_, label) => {
          const members = samples.filter((one) => one.label === label)
          const byGroup = Map.groupBy(members, ({ id }) => groups.get(id) ?? "")
          const isPure = (group: string) => samples.every((one) => groups.get(one.id) !== group || one.label === label)
          const pure = [...byGroup.keys()].filter(isPure)
          const largest = Math.max(...[...byGroup.values()].map(({ length }) => length))
          for (const part of ["train", "validation", "test"] as const) {
            const found = parts[part].filter((one) => one.label === label).length
            if (config[part] === 0) assert.strictEqual(found, 0)
            else if (pure.length >= 3) assert.isAbove(found, 0)
            // Two for rounding, and for the one that every part has at least.
            if (pure.length === byGroup.size)
              assert.isAtMost(Math.abs(found - config[part] * members.length), 2 * largest + 2)
          }
        })
        assert.deepStrictEqual(split(shuffled(samples), config, seed, groups), parts)
      })
  )

  it("keeps the shares of classes whose groups have several classes, and does not train on all of those groups", () => {
    // Every group has a shirt and a shoe.
    const samples = samplesOf([400, 400])
    const groups = new Map(samples.map(({ id }) => [id, id.slice(2)]))
    const parts = split(samples, shares, 1, groups)
    const counts = [parts.train, parts.validation, parts.test].map(({ length }) => length)
    assert.deepStrictEqual(counts, [640, 80, 80])
  })

  it("gives every part its share of the groups with several classes where other groups have one", () => {
    const samples = samplesOf([400, 400])
    // A quarter of the groups has a sample of each class.
    const isMixed = (id: string) => Number(id.slice(2)) < 100
    const groups = new Map(samples.flatMap(({ id }) => (isMixed(id) ? [[id, id.slice(2)]] : [])))
    const parts = split(samples, shares, 1, groups)
    const mixed = [parts.train, parts.validation, parts.test].map(
      (part) => part.filter(({ id }) => isMixed(id)).length / 2
    )
    assert.deepStrictEqual(mixed, [80, 10, 10])
  })

  it("divides a million rows in groups in seconds", { timeout: 120_000 }, () => {
    const samples = Array.from({ length: 1_000_000 }, (_, i) => ({ id: `r${i}`, label: i % 143 }))
    const groups = groupNames(
      samples.map(({ id }, i) => ({ id, digest: `d${i % 990_000}`, group: `["p${Math.floor(i / 3)}"]` }))
    )
    const parts = split(samples, shares, 1, groups)
    assert.approximately(parts.test.length / samples.length, 0.1, 0.005)
  })
})
