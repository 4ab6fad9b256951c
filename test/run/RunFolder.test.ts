import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Scope } from "effect"
import * as Runtime from "effect/Runtime"
import { existsSync } from "node:fs"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { startedAt } from "../../src/layers/storage/isAlive.ts"
import * as DiskRuns from "../../src/layers/storage/DiskRuns.ts"
import type { RunFolderError } from "../../src/run/RunFolder.ts"
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

    it.effect("adds to the end of a file, which it makes where there is none", () =>
      Effect.gen(function* () {
        const folder = yield* open
        const file = "tensorboard/events.out.tfevents.weft"
        yield* folder.append(file, Uint8Array.of(1, 2))
        yield* folder.append(file, Uint8Array.of(3))
        assert.deepStrictEqual([...(yield* folder.read(file))], [1, 2, 3])
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

const other = `${process.ppid} ${hostname()} mark ${startedAt(process.ppid)}`

describe("a run folder that a process has to itself", () => {
  it.live("is made, and is not there any more where nothing was written into it", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const path = join(root, "deep", "run")
      const { hold, open } = yield* Runs
      yield* Effect.gen(function* () {
        yield* hold(path, "refuse")
        assert.isTrue(existsSync(join(path, "run.lock")))
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(root)), [])
      yield* Effect.gen(function* () {
        yield* hold(path, "refuse")
        const { folder } = yield* open(path, 1)
        yield* folder.write("config.json", "{}")
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(path)), ["config.json"])
    }).pipe(Effect.provide(disk))
  )

  it.live("is refused to another process, with exit code 2", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFolder
      yield* Effect.promise(() => writeFile(join(path, "run.lock"), other))
      const error = yield* Effect.flip(Runs.use((runs) => runs.hold(path, "refuse")))
      assert.strictEqual(error.reason, "busy")
      assert.strictEqual(Runtime.getErrorExitCode(error), 2)
      assert.include(error.message, `process ${process.ppid} on ${hostname()} works on this run`)
      assert.strictEqual(yield* Effect.promise(() => readFile(join(path, "run.lock"), "utf8")), other)
    }).pipe(Effect.provide(disk))
  )

  it.live("that was taken over is written into no more", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFolder
      const { hold, open } = yield* Runs
      yield* hold(path, "refuse")
      const { checkpoints, folder } = yield* open(path, 1)
      const best = { digest: "run", epoch: 1, step: 1, figure: 1, weights: new Map() }
      yield* checkpoints.saveBest(best)
      yield* folder.write("config.json", "first")
      const files = () => readdir(join(path, "checkpoints"))
      const before = yield* Effect.promise(() => readFile(join(path, "checkpoints", "best.safetensors")))
      yield* Effect.promise(() => writeFile(join(path, "run.lock"), other))
      const lost = yield* Effect.flip(folder.write("config.json", "second"))
      assert.strictEqual(lost.reason, "lost")
      assert.match(
        (yield* Effect.flip(checkpoints.saveBest({ ...best, epoch: 2 }))).message,
        /another process has taken/
      )
      assert.strictEqual(new TextDecoder().decode(yield* folder.read("config.json")), "first")
      assert.isTrue(before.equals(yield* Effect.promise(() => readFile(join(path, "checkpoints", "best.safetensors")))))
      assert.deepStrictEqual(yield* Effect.promise(files), ["best.safetensors"])
    }).pipe(Effect.provide(disk))
  )

  it.live("is no file, nor below one", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "file")
      yield* Effect.promise(() => writeFile(file, ""))
      const runs = yield* Runs
      for (const path of [file, join(file, "below"), join(file, "far", "below")])
        for (const use of [runs.hold(path, "refuse"), runs.open(path, 1), runs.existing(path)]) {
          const error = yield* Effect.flip(Effect.asVoid<unknown, RunFolderError, Scope.Scope>(use))
          assert.strictEqual(error.message, `${file}: this is a file; name a folder`)
          assert.strictEqual(Runtime.getErrorExitCode(error), 2)
        }
    }).pipe(Effect.provide(disk))
  )
})

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
