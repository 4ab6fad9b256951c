import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readConfig } from "../../src/cli/readConfig.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const rows = (count: number, row: (i: number) => string) => Array.from({ length: count }, (_, i) => row(i)).join("\n")

/** Ten aliases of the row before, twelve times. */
const bomb = `a0: &a0 [1, 1]\n${rows(12, (i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`)}`

const files: ReadonlyArray<readonly [string, string, RegExp]> = [
  ["key.json", `{"${"k".repeat(2e6)}": 1}`, /there is no key `k{200}…`/],
  ["key.toml", `${"k".repeat(2e6)} = 1`, /there is no key `k{200}…`/],
  ["key.yaml", `? ${"k".repeat(2e6)}\n: 1`, /there is no key `k{200}…`/],
  ["implicitKey.yaml", `${"k".repeat(2e6)}: 1`, /at most 1024 chars after the start of an implicit block mapping key/],
  ["keys.toml", rows(20_000, (i) => `epochs${i} = 1`), /and 199\d\d more problems/],
  ["keys.yaml", rows(20_000, (i) => `epochs${i}: 1`), /and 199\d\d more problems/],
  ["deep.json", `{"data": ${"[".repeat(1e5)}${"]".repeat(1e5)}}`, /nested more than 64 deep/],
  ["tables.toml", `[${"a.".repeat(2e4)}a]\nb = 1`, /nested more than 64 deep/],
  ["deep.toml", `a = ${"[".repeat(5e4)}${"]".repeat(5e4)}`, /nested too deep/],
  ["deep.yaml", `a: ${"[".repeat(5e4)}${"]".repeat(5e4)}`, /nested too deep/],
  ["open.toml", `a = ${"[".repeat(1e5)}`, /nested too deep/],
  ["open.yaml", "[".repeat(1e5), /nested too deep/],
  ["bomb.yaml", bomb, /its aliases, followed, stand for too many values/],
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
  it.live.skipIf(process.platform === "win32")("is no device and no pipe, which may have no end", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [pipe, device] = [join(folder, "pipe.toml"), join(folder, "zero.json")]
      execFileSync("mkfifo", [pipe])
      symlinkSync("/dev/zero", device)
      for (const file of [pipe, device])
        assert.match((yield* Effect.flip(readConfig(file, []))).message, /this is a device or a pipe/)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
