import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { catalogueFile } from "../../src/pipeline/Rows.ts"

const decode = (keys: unknown) => Schema.decodeUnknownResult(DataConfig)({ root: "shop", ...Object(keys) })
const isAllowed = (keys: unknown) => Result.isSuccess(decode(keys))

describe("what is read", () => {
  it("is a CSV unless another key says so, and one thing only", () => {
    assert.isTrue(isAllowed({}))
    for (const keys of [{ csv: "a.csv" }, { folders: true }, { jsonl: "a.jsonl" }, { parquet: "a-*.parquet" }])
      assert.isTrue(isAllowed(keys), JSON.stringify(keys))
    assert.isTrue(isAllowed({ csv: "a.csv", folders: false }))
    for (const keys of [
      { folders: true, jsonl: "a.jsonl" },
      { jsonl: "a.jsonl", parquet: "a.parquet" },
      { csv: "a.csv", folders: true },
      { parquet: "a.csv" }
    ])
      assert.isFalse(isAllowed(keys), JSON.stringify(keys))
  })

  it("leaves the keys of a catalogue that were there before as they were, so that no run's digest changes", () => {
    const before = { ...Object(Result.getOrThrow(decode({ delimiter: "," }))) }
    for (const key of ["folders", "jsonl", "parquet", "urls"]) assert.notProperty(before, key)
    assert.notProperty(before["split"], "by")
    assert.strictEqual(before["csv"], "styles.csv")
    assert.strictEqual(before["delimiter"], ",")
  })

  it("is named in messages: a file, a pattern, or the folder", () => {
    const nameOf = (keys: unknown) => catalogueFile("shop", Result.getOrThrow(decode(keys)))
    assert.strictEqual(nameOf({}), "shop/styles.csv")
    assert.strictEqual(nameOf({ jsonl: "a.jsonl" }), "shop/a.jsonl")
    assert.strictEqual(nameOf({ parquet: "a-*.parquet" }), "shop/a-*.parquet")
    assert.strictEqual(nameOf({ folders: true }), "shop")
  })

  it("may divide its rows itself", () => {
    for (const by of ["row", { column: "split" }]) assert.isTrue(isAllowed({ split: { by } }))
    for (const by of ["column", { column: "" }, 1]) assert.isFalse(isAllowed({ split: { by } }), JSON.stringify(by))
  })

  it("fetches from hosts that are named, or from any", () => {
    for (const hosts of ["any", ["cdn.example.com"], ["*.example.com", "localhost:8080"]])
      assert.isTrue(isAllowed({ urls: { hosts } }), JSON.stringify(hosts))
    for (const hosts of [undefined, [], "all", ["https://a.com"], ["a.com/b"], ["*"], ["a b"]])
      assert.isFalse(isAllowed({ urls: { hosts } }), JSON.stringify(hosts))
  })
})
