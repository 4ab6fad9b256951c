import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, PlatformError } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { mkdir, open, readFile, rmdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import { systemFault } from "../../../src/layers/storage/systemFault.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const technical = /\bE[A-Z]{3,}\b|FileSystem|AlreadyExists|BadResource|NotFound|PermissionDenied|syscall|\bopen\b.*'/

describe("a fault of the system", () => {
  it.effect("is in plain words, whether Node or Effect found it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const fs = yield* FileSystem.FileSystem
      const at = (name: string) => join(folder, name)
      writeFileSync(at("file"), "")
      mkdirSync(at("full"))
      writeFileSync(at("full/file"), "")
      const failed = (work: Promise<unknown>) =>
        Effect.promise(() =>
          work.then(
            () => assert.fail("it did not fail"),
            (cause: unknown) => cause
          )
        )
      const faults = [
        [yield* failed(mkdir(at("file"))), "there is a file or folder of this name already"],
        [yield* failed(mkdir(at("file/below"))), "a file stands where a folder is expected"],
        [yield* failed(readFile(folder)), "this is a folder, and a file is expected"],
        [yield* failed(readFile(at("none"))), "there is no such file or folder"],
        [yield* failed(rmdir(at("full"))), "the folder is not empty"],
        [yield* failed(open(at("x".repeat(300)), "w")), "the name is longer than the system allows"],
        [yield* failed(symlink("a", at("a")).then(() => readFile(at("a")))), "its links lead in a circle"],
        [yield* failed(readFile(`${folder}/a\0b`)), "the name has a character (NUL)"],
        [
          yield* Effect.flip(fs.makeDirectory(at("file"), { recursive: true })),
          "there is a file or folder of this name"
        ],
        [yield* Effect.flip(fs.makeDirectory(at("file/below"))), "a file stands where a folder is expected"],
        [yield* Effect.flip(fs.readFileString(folder)), "this is a folder, and a file is expected"],
        [yield* Effect.flip(fs.readFileString(at("none"))), "there is no such file or folder"],
        [yield* Effect.flip(fs.writeFileString(at("file/x"), "")), "a file stands where a folder is expected"]
      ] as const
      for (const [cause, words] of faults) {
        const { detail } = systemFault(cause)
        assert.include(detail, words, String(cause))
        assert.notMatch(detail, technical)
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it("is in plain words also where only Effect's reason is known, or none", () => {
    for (const _tag of ["AlreadyExists", "BadResource", "Busy", "NotFound", "PermissionDenied", "TimedOut"] as const) {
      const error = PlatformError.systemError({ _tag, module: "FileSystem", method: "makeDirectory" })
      assert.notMatch(systemFault(error).detail, technical, _tag)
    }
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
    assert.strictEqual(systemFault(new Error("outer", { cause: full })).reason, "diskFull")
    const other = Object.assign(new Error("EXDEV: cross-device link not permitted, rename 'a' -> 'b'"), {
      code: "EXDEV"
    })
    assert.strictEqual(systemFault(other).detail, "cross-device link not permitted")
    assert.strictEqual(systemFault("odd").detail, "odd")
  })
})
