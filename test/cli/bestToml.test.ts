import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Schema } from "effect"
import { Toml } from "effect/encoding"
import { execFileSync } from "node:child_process"
import { globSync } from "node:fs"
import { basename, join } from "node:path"
import { bestToml } from "../../src/cli/bestToml.ts"
import { readConfig } from "../../src/cli/readConfig.ts"
import { isTable } from "../../src/config/configTable.ts"
import { tomlText } from "../../src/layers/terminal/tomlText.ts"
import { RunConfig } from "../../src/config/RunConfig.ts"
import { configDigest } from "../../src/run/configDigest.ts"
import { fashionHalfway, fashionSearch } from "../fashionSearch.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const readBack = (text: string) => Effect.fromResult(Toml.parse(text))

describe("best.toml", () => {
  it.effect("is the winner's configuration, which pipeline:train takes and which has the same digest", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { points, search } = yield* fashionHalfway
      const text = (yield* bestToml(search, points.trials, "runs/my grid's")) ?? ""
      const file = join(yield* temporaryFolder, "best.toml")
      yield* fs.writeFileString(file, text)
      const config = yield* readConfig(file, [])
      assert.deepStrictEqual(config, points.trials[14]!.config)
      assert.strictEqual(yield* configDigest(config), points.trials[14]!.digest)
      assert.match(
        text,
        /^# The best of 24 trials of the search fashion-search: 015-vgg16-0\.1-adam-fc, validationLoss 0\.1889\.\n# Its own/
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("has a command of its own that a shell takes where the search was started", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionHalfway
      for (const folder of ["runs/grid", "runs/my grid's", "/shop/a;b $(c)"]) {
        const text = (yield* bestToml(search, points.trials, folder)) ?? ""
        const [, word = ""] = /^# {3}npx pnpm pipeline:train --config (.*)$/m.exec(text) ?? []
        assert.strictEqual(execFileSync("sh", ["-c", `printf %s ${word}`], { encoding: "utf8" }), `${folder}/best.toml`)
      }
    })
  )

  it.effect("is none where there is no winner", () =>
    Effect.gen(function* () {
      const { points, search } = yield* fashionSearch
      assert.isUndefined(yield* bestToml(search, points.trials, "runs/x"))
    })
  )
})

describe("a table as TOML", () => {
  const runs = globSync("configs/**/*.toml").filter((file) => !basename(file).startsWith("search"))

  it.effect.each(runs)("gives %s back with every default in it, and with the same digest", (file) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const config = yield* readConfig(file, [])
      const encoded: unknown = yield* Schema.encodeEffect(RunConfig)(config)
      const copy = join(yield* temporaryFolder, "copy.toml")
      yield* fs.writeFileString(copy, tomlText(isTable(encoded) ? encoded : {}, file))
      const again = yield* readConfig(copy, [])
      assert.deepStrictEqual(again, config)
      assert.strictEqual(yield* configDigest(again), yield* configDigest(config))
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("gives back what is awkward: quotes, controls, tiny and whole numbers, lists of tables, odd keys", () =>
    Effect.gen(function* () {
      const table = {
        text: `both ' and " and \\ and # and = and """ and '''`,
        lines: "a\nb\r\nc\td\u0000e\u007f",
        letters: "ä 日本 🙂",
        numbers: [1e-8, 1e21, 0.1, -0.5, 1.7976931348623157e308, 5e-324, 3, -7, 2 ** 40, 0],
        mixed: [1, 2.5, "three", true, [4, [5]]],
        empty: { list: [], table: {}, text: "" },
        rates: [
          { from: "features.0", factor: 1e-8 },
          { from: "features.14.conv.3", factor: 1, more: [{ deep: { er: [{ a: 1 }] } }] }
        ],
        "a key": { "with.dots": { 'and "quotes"': false } }
      }
      assert.deepStrictEqual(yield* readBack(tomlText(table, "of\nsome\r\nlines")), table)
    })
  )

  it.effect("keeps a comment a comment, however many lines it has", () =>
    Effect.gen(function* () {
      const text = tomlText({ a: 1 }, 'one\nb = 2\rc = 3\r\nd = """')
      assert.deepStrictEqual(yield* readBack(text), { a: 1 })
      assert.match(text, /^# one\n# b = 2\n# c = 3\n# d = """\na = 1\n$/)
    })
  )

  it.effect.prop(
    "gives back any numbers and texts",
    { texts: Schema.Array(Schema.String), numbers: Schema.Array(Schema.Finite) },
    (table) =>
      Effect.gen(function* () {
        // Files have no halves of letters; JSON has no negative zero either.
        const plain = {
          texts: table.texts.map((text) => text.toWellFormed()),
          numbers: table.numbers.map((number) => number + 0)
        }
        assert.deepStrictEqual(yield* readBack(tomlText(plain, "")), plain)
      })
  )
})
