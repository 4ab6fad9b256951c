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

  it.effect("refuses bounds without a lower precision, and noise with one, before it looks at the run", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const bound = yield* run(folder, "--format", "onnx", "--max-loss", "2")
      assert.strictEqual(bound.code, 2)
      assert.match(bound.stderr, /--max-loss: is for a lower precision only: --precision fp16 or int8/)
      const noise = yield* run(folder, "--format", "onnx", "--precision", "int8", "--check", "noise")
      assert.strictEqual(noise.code, 2)
      assert.match(noise.stderr, /--check noise --precision int8: accuracy cannot be measured on noise/)
      const much = yield* run(folder, "--format", "onnx", "--precision", "fp16", "--max-loss", "101")
      assert.strictEqual(much.code, 2)
      assert.match(much.stderr + much.stdout, /expected 0 to 100 points, got 101/)
      const unknown = yield* run(folder, "--format", "onnx", "--precision", "int4")
      assert.strictEqual(unknown.code, 2)
      assert.match(unknown.stderr + unknown.stdout, /--precision int4: expected "fp32" \| "fp16" \| "int8"/)
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
