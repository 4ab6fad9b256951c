import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import * as DiskRuns from "../../src/layers/DiskRuns.ts"
import { RunFolder } from "../../src/run/RunFolder.ts"
import { Runs } from "../../src/run/Runs.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const disk = DiskRuns.layer.pipe(Layer.provide(NodeServices.layer))

const onDisk = Effect.gen(function* () {
  const path = join(yield* temporaryFolder, "deep", "run")
  return (yield* Runs.use((runs) => runs.open(path, 2))).folder
}).pipe(Effect.provide(disk))

const inMemory = Effect.provide(RunFolder, RunFolder.layerMemory)

const contract = (name: string, open: typeof onDisk) =>
  describe(`a run folder ${name}`, () => {
    it.effect("gives back what was written, bytes and text", () =>
      Effect.gen(function* () {
        const folder = yield* open
        const bytes = Uint8Array.of(0, 255, 10, 13, 128)
        yield* folder.write("model/model.safetensors", bytes)
        yield* folder.write("config.json", '{ "größe": 1 }\n')
        assert.deepStrictEqual([...(yield* folder.read("model/model.safetensors"))], [...bytes])
        assert.strictEqual(new TextDecoder().decode(yield* folder.read("config.json")), '{ "größe": 1 }\n')
      })
    )

    it.effect("replaces a file as a whole", () =>
      Effect.gen(function* () {
        const folder = yield* open
        yield* folder.write("history.jsonl", "a long first version\n")
        yield* folder.write("history.jsonl", "short\n")
        assert.strictEqual(new TextDecoder().decode(yield* folder.read("history.jsonl")), "short\n")
      })
    )

    it.effect("knows which files it has, and says what a missing one is", () =>
      Effect.gen(function* () {
        const folder = yield* open
        assert.isFalse(yield* folder.has("report.json"))
        const error = yield* Effect.flip(folder.read("report.json"))
        assert.strictEqual(error.reason, "missing")
        assert.match(error.message, /report\.json: there is no such file/)
        yield* folder.write("report.json", "{}")
        assert.isTrue(yield* folder.has("report.json"))
      })
    )
  })

contract("on disk", onDisk)
contract("in memory", inMemory)

describe("runs on disk", () => {
  it.effect("leave no temporary files", () =>
    Effect.gen(function* () {
      const folder = yield* onDisk
      yield* folder.write("config.json", "{}")
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder.path)), ["config.json"])
    })
  )

  it.effect("that are not there are an error that names them", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Runs.use((runs) => runs.existing("/nowhere/at/all")))
      assert.match(error.message, /\/nowhere\/at\/all: there is no such folder/)
    }).pipe(Effect.provide(disk))
  )
})
