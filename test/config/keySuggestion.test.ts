import { assert, describe, it } from "@effect/vitest"
import { configKeys } from "../../src/config/configKeys.ts"
import { didYouMean, isSectionText, keySuggestion, meantChoice } from "../../src/config/keySuggestion.ts"
import { SearchConfig } from "../../src/run/search/SearchConfig.ts"
import { RunConfig } from "../../src/config/RunConfig.ts"

const keys = configKeys(RunConfig).map(({ path }) => path)

describe("keySuggestion", () => {
  it("knows what other tools call a key, and the same key in another section", () => {
    for (const [path, expected] of [
      ["image.size", ["image.height", "image.width"]],
      ["imageSize", ["image.height", "image.width"]],
      ["image_size", ["image.height", "image.width"]],
      ["lr", ["train.learningRate"]],
      ["epochs", ["train.epochs"]],
      ["train.ema", ["train.average"]],
      ["swa", ["train.average"]],
      ["batch_size", ["train.batchSize"]],
      ["train.learningrate", ["train.learningRate"]],
      ["trian.epochs", ["train.epochs"]],
      ["data.minPerClas", ["data.minPerClass"]],
      ["zzzzzzzzzz", []],
      ["constructor", []],
      ["x".repeat(2_000_000), []]
    ] as const)
      assert.deepStrictEqual(keySuggestion(path, keys), expected, path.slice(0, 30))
  })

  it("names only keys that there are", () => {
    for (const path of ["size", "lr", "batch", "model", "arch", "bs", "resolution"]) {
      const named = keySuggestion(path, keys)
      assert.isAbove(named.length, 0, path)
      for (const key of named) assert.include(keys, key)
    }
    const search = configKeys(SearchConfig).map(({ path }) => path)
    for (const key of keySuggestion("image.size", search)) assert.include(search, key)
  })

  it("names a section's keys where nothing is near, and what a mistyped choice means", () => {
    assert.match(
      didYouMean("train.optimizer.preconditionerFrequency", keys),
      /^; the keys of `train\.optimizer` are kind, /
    )
    assert.strictEqual(didYouMean("train.patience", keys), "; did you mean `train.earlyStopping.patience`?")
    assert.match(
      isSectionText("train.optimizer", keys) ?? "",
      /^this is a section of keys, such as `train\.optimizer\.kind`/
    )
    assert.isUndefined(isSectionText("train.epochs", keys))
    assert.strictEqual(meantChoice("mobilnet_v2", ["simple-cnn", "mobilenet-v2"]), '; did you mean "mobilenet-v2"?')
    assert.strictEqual(meantChoice("zzz", ["simple-cnn", "mobilenet-v2"]), "")
  })
})
