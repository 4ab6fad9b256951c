import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../temporaryFolder.ts"
import { weft } from "./run.ts"

const run = (folder: string, ...args: ReadonlyArray<string>) => Effect.promise(() => weft(["export", ...args], folder))

// What it does with a finished run is in test/examples.test.ts.
describe("weft export", () => {
  it.effect("refuses flags that do not go with the format, and formats that there are not, with exit code 2", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const named = yield* run(folder, "--format", "onnx", "--names", "timm")
      assert.strictEqual(named.code, 2)
      assert.match(named.stderr, /--names --format onnx: is for --format safetensors only/)
      const weights = yield* run(folder, "--format", "safetensors", "--output", "logits")
      assert.strictEqual(weights.code, 2)
      assert.match(weights.stderr, /--output --format safetensors: is for graphs only: onnx, tfjs or saved-model/)
      const unknown = yield* run(folder, "--format", "pickle")
      assert.strictEqual(unknown.code, 2)
      assert.match(
        unknown.stderr + unknown.stdout,
        /--format pickle: expected "onnx" \| "tfjs" \| "saved-model" \| "safetensors"/
      )
    })
  )

  it.effect("says that a run is not finished, or not there, with exit code 2", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* Effect.promise(() => mkdir(join(folder, "half")))
      yield* Effect.promise(() => writeFile(join(folder, "half", "config.json"), '{"data":{"sample":{}}}'))
      const half = yield* run(folder, "--run", "half", "--format", "onnx", "--json")
      assert.strictEqual(half.code, 2, half.stderr)
      assert.match(half.stderr, /half: this run is not finished.*pipeline:train --run half --resume/)
      assert.strictEqual(half.stdout, "")
      const none = yield* run(folder, "--run", "nowhere", "--format", "onnx")
      assert.strictEqual(none.code, 2)
      assert.match(none.stderr, /there is no run in this folder/)
    })
  )
})
