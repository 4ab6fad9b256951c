import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { parserOf } from "../../src/cli/parseConfig.ts"

const parse = (ending: string, text: string) => (parserOf(ending) ?? (() => Effect.die("no such ending")))(text)

const broken: ReadonlyArray<readonly [ending: string, text: string, message: RegExp]> = [
  [
    "json",
    '{\n "name": "x",\n "data": { "root": "/d", }\n}\n',
    /^Expected double-quoted property name at line 3, column 26$/
  ],
  ["json", '{\n "name": tru\n}', /^Unexpected end of the line at line 2, column \d+$/],
  ["json", "name: x\n", /^Unexpected token '.' at line 1, column 1$/],
  ["json", '{\n "name": "x"\n', /at line 3, column 1$/],
  ["json", "", /^Unexpected end of JSON input at line 1, column 1$/],
  ["json", '{\n // why\n "name": "x"}', /at line 2, column 2$/],
  ["yaml", 'data:\n  root: "/d\n  csv: x\n', /^Missing closing "quote at line 4, column 1$/],
  ["yaml", "a: [1,\nb: 2", /at line 2, column \d$/],
  ["yml", "a:\n\t- b\n", /at line 2, column 1$/],
  ["yaml", "a: 1\na: 2\n", /^Map keys must be unique at line 2, column 1$/],
  ["yaml", "a: 1\nb: *x\n", /at line 2, column 4$/],
  ["toml", "a = [1\nb = 2", /at line 2, column 1$/]
]

describe("parseConfig", () => {
  it.effect("names line and column of a mistake in every format", () =>
    Effect.gen(function* () {
      for (const [ending, text, message] of broken) {
        const error = yield* Effect.flip(parse(ending, text))
        assert.match(error.message, message, JSON.stringify(text))
        assert.notInclude(error.message, "\n")
      }
    })
  )

  it.effect("reads the same table in every format, with a byte order mark or without", () =>
    Effect.gen(function* () {
      const table = { name: "x", data: { root: "/d", labels: ["a", "no"] }, seed: 3 }
      for (const mark of ["", "\uFEFF"])
        for (const [ending, text] of [
          ["json", JSON.stringify(table)],
          ["yaml", "name: x\nseed: 3\ndata:\n  root: /d\n  labels: [a, no]\n"],
          ["toml", 'name = "x"\nseed = 3\n[data]\nroot = "/d"\nlabels = ["a", "no"]\n']
        ] as const)
          assert.deepStrictEqual(JSON.parse(JSON.stringify(yield* parse(ending, mark + text))), table, ending)
      assert.isUndefined(parserOf("ini"))
      assert.isUndefined(parserOf("constructor"))
    })
  )

  it.effect("does not unfold aliases of aliases without a bound", () =>
    Effect.gen(function* () {
      const levels = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}]`)
      const error = yield* Effect.flip(parse("yaml", `a0: &a0 [x, x]\n${levels.join("\n")}\n`))
      assert.match(error.message, /alias/i)
    })
  )
})
