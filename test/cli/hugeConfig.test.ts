import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { readConfig } from "../../src/cli/readConfig.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const rows = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i)).join("\n")

/** Ten aliases of the row before, twelve times. */
const bomb = `a0: &a0 [1, 1]\n${rows(12, (i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`)}`

const files: ReadonlyArray<readonly [string, string, RegExp]> = [
  ["key.json", `{"${"k".repeat(2e6)}": 1}`, /there is no key `k{200}…`/],
  ["key.toml", `${"k".repeat(2e6)} = 1`, /there is no key `k{200}…`/],
  ["key.yaml", `${"k".repeat(2e6)}: 1`, /there is no key `k{200}…`/],
  ["keys.toml", rows(20_000, (i) => `epochs${i} = 1`), /and 199\d\d more problems/],
  ["keys.yaml", rows(20_000, (i) => `epochs${i}: 1`), /and 199\d\d more problems/],
  ["deep.json", `{"data": ${"[".repeat(1e5)}${"]".repeat(1e5)}}`, /lie more than 64 deep/],
  ["tables.toml", `[${"a.".repeat(2e4)}a]\nb = 1`, /lie more than 64 deep/],
  ["deep.toml", `a = ${"[".repeat(5e4)}${"]".repeat(5e4)}`, /lie too deep in each other/],
  ["deep.yaml", `a: ${"[".repeat(5e4)}${"]".repeat(5e4)}`, /lie too deep in each other/],
  ["bomb.yaml", bomb, /more than 200000 values, its aliases followed/],
  ["size.toml", `a = "${"x".repeat(5e6)}"`, /it has 5000006 bytes; a configuration has 4194304 at most/]
]

describe("a configuration of any size", () => {
  for (const [name, text, message] of files)
    it.effect(`is refused in a few lines: ${name}`, () =>
      Effect.gen(function* () {
        const file = join(yield* temporaryFolder, name)
        writeFileSync(file, text)
        const error = yield* Effect.flip(readConfig(file, []))
        assert.strictEqual(error._tag, "ConfigError")
        assert.match(error.message, message)
        assert.isBelow(error.message.length, 6000)
      }).pipe(Effect.provide(NodeServices.layer))
    )
})
