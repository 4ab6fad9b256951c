import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { encode } from "../../../src/model/safetensors.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

it.effect("a run's folder stands for its model; a folder without one is refused with what to name", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const { contents, tensors } = yield* Pretrained
    mkdirSync(join(folder, "first", "model"), { recursive: true })
    const weights = new Map([["conv1.bias", { shape: [2], data: new Float32Array([3, 7]) }]])
    writeFileSync(join(folder, "first", "model", "model.safetensors"), encode(weights, { format: "pt" }))
    const run = join(folder, "first")
    assert.deepStrictEqual([...(yield* contents(run)).shapes], [["conv1.bias", [2]]])
    assert.deepStrictEqual(
      (yield* tensors(run, new Set(["conv1.bias"]))).get("conv1.bias")?.data,
      new Float32Array([3, 7])
    )
    const error = yield* Effect.flip(contents(folder))
    assert.strictEqual(error.reason, "missing")
    assert.match(error.message, /no finished run: it has no model\/model\.safetensors/)
    assert.strictEqual((yield* Effect.flip(contents(join(folder, "gone")))).reason, "missing")
  }).pipe(Effect.provide(DiskPretrained.layer))
)
