import { assert, describe, it, vi } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { open } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as DiskCheckpoints from "../../../src/layers/storage/DiskCheckpoints.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import { assertSame, bestAt, checkpointAt, checkpointsContract } from "../../model/checkpointsContract.ts"

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

checkpointsContract(
  "on disk",
  20,
  Effect.map(temporaryFolder, (parent) => {
    const folder = join(parent, "run", "checkpoints")
    return {
      open: (keep) => Checkpoints.pipe(Effect.provide(DiskCheckpoints.layer(folder, keep))),
      names: Effect.sync(() => readdirSync(folder)),
      read: (name) => Effect.sync(() => readFileSync(join(folder, name))),
      write: (name, bytes) => Effect.sync(() => writeFileSync(join(folder, name), bytes))
    }
  })
)

/** From now on, and until the scope closes, an open file refuses this with the system's error. */
const refusing = (folder: string, method: "writeFile" | "sync", code: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const probe = join(folder, "probe")
      const handle = await open(probe, "w")
      await handle.close()
      rmSync(probe)
      // The class of file handles is not exported.
      const prototype = Object.getPrototypeOf(handle) as typeof handle
      return vi.spyOn(prototype, method).mockRejectedValue(Object.assign(new Error(`${code}: refused`), { code }))
    }),
    (spy) => Effect.sync(() => spy.mockRestore())
  )

describe("checkpoints on a disk that fails", () => {
  for (const [method, code, reason, words] of [
    ["writeFile", "ENOSPC", "diskFull", "free some space"],
    ["sync", "EDQUOT", "diskFull", "quota"],
    ["writeFile", "EACCES", "notPermitted", "change the permissions"],
    ["sync", "EIO", "failed", "the disk reports a fault"]
  ] as const)
    it.effect(`survive ${code} at ${method}: the error says what to do, the earlier ones are as they were`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const checkpoints = DiskCheckpoints.make(folder, 1)
        yield* checkpoints.save(checkpointAt(1))
        yield* checkpoints.saveBest(bestAt(1))
        yield* Effect.gen(function* () {
          yield* refusing(folder, method, code)
          const error = yield* Effect.flip(checkpoints.save(checkpointAt(2)))
          assert.strictEqual(error._tag, "CheckpointError")
          assert.strictEqual(error.reason, reason)
          assert.include(error.message, join(folder, "step-00000002.safetensors"))
          assert.include(error.message, words)
          yield* Effect.flip(checkpoints.saveBest(bestAt(2)))
        }).pipe(Effect.scoped)
        assert.sameMembers(readdirSync(folder), ["best.safetensors", "step-00000001.safetensors"])
        assertSame(yield* checkpoints.latest("run a"), { checkpoint: checkpointAt(1), passedOver: [] })
        assertSame(yield* checkpoints.best("run a"), { best: bestAt(1), passedOver: [] })
        yield* checkpoints.save(checkpointAt(2))
        assert.strictEqual((yield* checkpoints.latest("run a")).checkpoint?.training.step, 2)
      })
    )

  it.effect("fail with an error where the folder is a file", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "file")
      writeFileSync(file, "")
      const checkpoints = DiskCheckpoints.make(file, 1)
      assert.strictEqual((yield* Effect.flip(checkpoints.save(checkpointAt(1)))).reason, "failed")
      assert.strictEqual((yield* Effect.flip(checkpoints.latest("run a"))).reason, "failed")
    })
  )
})

it.effect("the first save clears away what a killed one left, and leaves other files alone", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const left = [`.step-00000001.safetensors.${process.pid}.7.tmp`, ".best.safetensors.999999999.0.tmp"]
    const others = [".step-00000001.safetensors.1.0.tmp", "notes.txt", "step-1.safetensors"]
    for (const name of [...left, ...others]) writeFileSync(join(folder, name), "half")
    const checkpoints = DiskCheckpoints.make(folder, 1)
    yield* checkpoints.latest("run a")
    assert.sameMembers(readdirSync(folder), [...left, ...others])
    yield* checkpoints.save(checkpointAt(1))
    assert.sameMembers(readdirSync(folder), [...others, "step-00000001.safetensors"])
  })
)
