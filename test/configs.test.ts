import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { globSync } from "node:fs"
import { basename, resolve } from "node:path"
import { readConfig } from "../src/cli/readConfig.ts"
import { readSearchConfig } from "../src/cli/readSearchConfig.ts"
import { networkFor } from "../src/model/networks.ts"
import { freezingOf } from "../src/model/parts.ts"
import type { RunConfig } from "../src/config/RunConfig.ts"
import { searchPoints } from "../src/run/search/points.ts"

const files = globSync("configs/**/*.toml")
const searches = files.filter((file) => basename(file).startsWith("search"))
const runs = files.filter((file) => !searches.includes(file))

const assertFits = Effect.fnUntraced(function* ({ image, network, train }: RunConfig) {
  const described = yield* networkFor(network, { ...image, classes: 70 })
  const { stages } = yield* freezingOf(described, network, train, 1)
  assert.isBelow(stages[0]!.from, described.blocks.length)
})

it.effect.each(runs)("%s is a configuration whose network fits its images and has the parts that it names", (file) =>
  readConfig(file, []).pipe(Effect.flatMap(assertFits), Effect.provide(NodeServices.layer))
)

it.effect.each(searches)("%s is a search of which every trial is such a configuration", (file) =>
  Effect.gen(function* () {
    const { search, where } = yield* readSearchConfig(file, [])
    const { duplicates, trials } = yield* searchPoints(search, where)
    assert.isEmpty(duplicates)
    for (const { config } of trials) yield* assertFits(config)
  }).pipe(Effect.provide(NodeServices.layer))
)

it.effect("the fashion search is the reference experiment's 2 x 3 x 2 x 2, and its frozen one the half of it", () =>
  Effect.gen(function* () {
    const trialsOf = Effect.fnUntraced(function* (file: string) {
      const { search, where } = yield* readSearchConfig(file, ["base.data.root=elsewhere"])
      return (yield* searchPoints(search, where)).trials
    })
    const all = yield* trialsOf("configs/fashion/search.toml")
    const facts = ({ config: { image, network, train } }: (typeof all)[number]) =>
      [
        network.name,
        network.trainable,
        network.head,
        train.optimizer.kind,
        train.learningRate,
        train.epochs,
        train.batchSize,
        image.height
      ].join(" ")
    const expected = ["mobilenet-v2", "vgg16"].flatMap((name) =>
      [0.1, 0.01, 0.001].flatMap((rate) =>
        ["sgd", "adam"].flatMap((kind) =>
          ["fc", "batchnorm"].map((head) => `${name} all ${head} ${kind} ${rate} 3 64 224`)
        )
      )
    )
    assert.deepStrictEqual(all.map(facts), expected)
    assert.strictEqual(all[13]?.id, "014-vgg16-0.1-sgd-batchnorm")
    const frozen = yield* trialsOf("configs/fashion/search-frozen.toml")
    assert.deepStrictEqual(
      frozen.map(facts),
      expected.slice(0, 12).map((line) => line.replace(" all ", " head "))
    )
    assert.isTrue([...all, ...frozen].every(({ config }) => config.data.root === resolve("elsewhere")))
  }).pipe(Effect.provide(NodeServices.layer))
)
