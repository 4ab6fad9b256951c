import { assert, describe, it } from "@effect/vitest"
import { Ajv2020 } from "ajv/dist/2020.js"
import { globSync, readFileSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { parse } from "smol-toml"
import { configKeys } from "../../src/config/configKeys.ts"
import { setKey } from "../../src/config/configTable.ts"
import type { Table } from "../../src/config/configTable.ts"
import { RunConfig } from "../../src/config/RunConfig.ts"
import { runJsonSchema, searchJsonSchema } from "../../src/run/search/jsonSchemas.ts"

const validatorOf = (schema: Table) => new Ajv2020({ allErrors: true, strictTuples: false }).compile(schema)
const isRun = validatorOf(runJsonSchema())
const isSearch = validatorOf(searchJsonSchema())

const files = globSync("configs/**/*.toml")
const isOfSearch = (file: string) => basename(file).startsWith("search")

describe("the JSON Schema of configurations", () => {
  it.each(files)("takes %s, which names the schema in its first line", (file) => {
    const text = readFileSync(file, "utf8")
    const [, path = ""] = /^#:schema (\S+)\n/.exec(text) ?? []
    const committed = resolve(dirname(file), path)
    assert.strictEqual(committed, resolve(`configs/${isOfSearch(file) ? "search" : "run"}.schema.json`))
    const validate = isOfSearch(file) ? isSearch : isRun
    assert.isTrue(validate(parse(text)), JSON.stringify(validate.errors))
  })

  it("is committed as it is (pnpm -s pipeline:schema > configs/run.schema.json mends it)", () => {
    const read = (file: string): unknown => JSON.parse(readFileSync(join("configs", file), "utf8"))
    assert.deepStrictEqual(read("run.schema.json"), JSON.parse(JSON.stringify(runJsonSchema())))
    assert.deepStrictEqual(read("search.schema.json"), JSON.parse(JSON.stringify(searchJsonSchema())))
  })

  it.each([
    ["a key that there is not", "train.epoch", 3],
    ["a number out of its bounds", "train.epochs", 0],
    ["a number that is not whole", "train.epochs", 1.5],
    ["a value that there is not", "network.name", "lenet"],
    ["a name with a slash", "name", "a/b"],
    ["images without a column", "data.images", "photo.jpg"],
    ["a text for a number", "seed", "1"]
  ])("refuses %s, in a run and in a search's base", (_, key, value) => {
    const run: Table = { $schema: "run.schema.json", data: { root: "photos" } }
    assert.isTrue(isRun(run), JSON.stringify(isRun.errors))
    assert.isFalse(isRun(setKey(run, key, value)))
    const axes = [{ path: "train.epochs", values: [1, 2] }]
    const { $schema: _line, ...base } = run
    assert.isTrue(isSearch({ base, axes }), JSON.stringify(isSearch.errors))
    assert.isTrue(isSearch({ base: {}, axes }), "an axis may bring what a run needs")
    assert.isFalse(isSearch({ base: setKey(base, key, value), axes }))
  })

  it("has each key's description, default and bounds", () => {
    const at = (key: string): Table =>
      key.split(".").reduce<Table>((part, name) => {
        // A JSON Schema document is plain data.
        const properties = part["properties"] as Readonly<Record<string, Table>> | undefined
        return properties?.[name] ?? {}
      }, runJsonSchema())
    const keys = configKeys(RunConfig)
    assert.isAbove(keys.length, 90)
    for (const { byDefault, description, isSection, path } of keys) {
      assert.isNotEmpty(description, path)
      assert.strictEqual(at(path)["description"], description, path)
      if (!isSection && byDefault !== undefined)
        assert.strictEqual(JSON.stringify(at(path)["default"]), byDefault, path)
    }
    const { maximum, minimum, type } = at("train.epochs")
    assert.deepStrictEqual([type, minimum, maximum], ["integer", 1, 100_000])
  })
})
