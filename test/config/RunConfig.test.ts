import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { configKeys } from "../../src/config/configKeys.ts"
import { decodeRunConfig, RunConfig } from "../../src/config/RunConfig.ts"
import { configDigest } from "../../src/run/configDigest.ts"

const minimal = { data: { root: "somewhere" } }
const problems = (raw: unknown) => Effect.map(Effect.flip(decodeRunConfig(raw, "x.toml")), ({ message }) => message)

describe("RunConfig", () => {
  it.effect("needs nothing but the data, and every other key has a default within its bounds", () =>
    Effect.gen(function* () {
      const config = yield* decodeRunConfig(minimal, "x.toml")
      assert.strictEqual(config.train.optimizer.kind, "adam")
      // What was filled in is valid itself: encoded and decoded again, it is the same.
      assert.deepStrictEqual(yield* decodeRunConfig(yield* Schema.encodeEffect(RunConfig)(config), "x.toml"), config)
    })
  )

  it.effect("names every wrong key at once, with what was expected", () =>
    Effect.gen(function* () {
      const message = yield* problems({ ...minimal, seed: -1, train: { batchSize: 1.5, optimizer: { kind: "adams" } } })
      assert.match(message, /`seed`: Expected a value between 0 and 4294967295, got -1/)
      assert.match(message, /`train\.batchSize`: Expected an integer, got 1\.5/)
      assert.match(
        message,
        /`train\.optimizer\.kind`: Expected "sgd" \| "adam" \| "adamw" \| "lion", got "adams"; did you mean "adam"\?/
      )
    })
  )

  it.effect("suggests the key that was meant", () =>
    Effect.gen(function* () {
      assert.match(yield* problems({ ...minimal, train: { learningrate: 1 } }), /did you mean `train\.learningRate`/)
      assert.match(
        yield* problems({ ...minimal, image: { size: 64 } }),
        /no key `image\.size`; did you mean `image\.height` and `image\.width`\?/
      )
      assert.notMatch(yield* problems({ ...minimal, zzzzzzzzzz: 1 }), /did you mean/)
    })
  )

  it.effect("wants shares that add up, one source of data, and a momentum for Nesterov", () =>
    Effect.gen(function* () {
      assert.match(yield* problems({ data: { root: "x", split: { train: 0.9 } } }), /shares that add up to 1/)
      assert.match(yield* problems({ data: {} }), /either `data\.root`.*or `data\.sample`/)
      assert.match(yield* problems({ data: { root: "x", sample: {} } }), /either `data\.root`/)
      assert.match(yield* problems({ ...minimal, train: { optimizer: { nesterov: true } } }), /momentum above 0/)
      const split = { train: 0.8, validation: 0, test: 0.2 }
      assert.match(
        yield* problems({ data: { root: "x", split }, calibration: {} }),
        /^x\.toml: the configuration: Expected a `data\.split\.validation` above 0 where there is a `calibration`$/
      )
      assert.match(
        yield* problems({ data: { root: "x", split }, train: { earlyStopping: { patience: 1 } } }),
        /^x\.toml: the configuration: Expected a `data\.split\.validation` above 0 where there is a `train\.earlyStopping`/
      )
    })
  )

  it.effect("says of a value that wants quotes how to write it, and of a number in quotes that it is a text", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* problems({ ...minimal, name: 2024 }),
        'x.toml: `name`: Expected text, got 2024, which wants quotes: "2024" (on the command line --set \'name="2024"\')'
      )
      for (const value of [true, -1.5, null])
        assert.include(yield* problems({ ...minimal, name: value }), `got ${value}, which wants quotes`)
      assert.include(
        yield* problems({ data: { root: "x", labels: ["a", 7] } }),
        "`data.labels.1`: Expected text, got 7"
      )
      assert.match(yield* problems({ ...minimal, seed: "1" }), /got "1", which is a text; leave the quotes out/)
    })
  )

  it.effect("wants a column in the images' paths", () =>
    Effect.gen(function* () {
      for (const images of ["id", "images/photo.jpg", "images/{}.jpg", ""])
        assert.match(
          yield* problems({ data: { root: "x", images } }),
          /^x\.toml: `data\.images`: Expected a path that names a column in braces, such as "images\/\{id\}\.jpg"/
        )
    })
  )

  it("describes every key", () => {
    const undescribed = configKeys(RunConfig).filter(({ description }) => description === "")
    assert.deepStrictEqual(undescribed, [])
  })

  it.effect("has a digest of what changes results, and of nothing else", () =>
    Effect.gen(function* () {
      const digest = (raw: object) => Effect.flatMap(decodeRunConfig({ ...minimal, ...raw }, "x.toml"), configDigest)
      const plain = yield* digest({})
      assert.match(plain, /^[0-9a-f]{64}$/)
      for (const same of [
        { name: "other" },
        { data: { root: "elsewhere" } },
        { loader: { prefetch: 7 } },
        { train: { checkpoint: { keep: 9 } } }
      ])
        assert.strictEqual(yield* digest(same), plain, JSON.stringify(same))
      for (const other of [{ seed: 2 }, { data: { root: "somewhere", minPerClass: 9 } }, { train: { epochs: 9 } }])
        assert.notStrictEqual(yield* digest(other), plain, JSON.stringify(other))
    })
  )
})
