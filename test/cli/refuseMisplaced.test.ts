import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { refuseMisplaced } from "../../src/cli/refuseMisplaced.ts"

describe("a path in a configuration", () => {
  it.effect("that was written for the working directory is refused, with the path to write instead", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const { join, relative, resolve } = yield* Path.Path
      const folder = yield* fs.makeTempDirectoryScoped()
      yield* fs.makeDirectory(join(folder, "photos"))
      const file = join(folder, "run.toml")
      const refusal = (root: string, sets: ReadonlyArray<string> = []) =>
        Effect.flip(refuseMisplaced(file, { data: { root } }, sets))
      // Written for the folder that the program runs in, and for no other.
      const error = yield* refusal("src")
      assert.include(error.message, `${file}: \`data.root\`: there is no "src" in this file's folder`)
      assert.include(error.message, JSON.stringify(relative(folder, resolve("src"))))
      assert.include(
        (yield* Effect.flip(refuseMisplaced(file, { base: { data: { root: "src" } } }, []))).message,
        "base."
      )
      // From the file's folder, absolute, replaced, or nowhere at all: not its subject.
      yield* refuseMisplaced(file, { data: { root: "photos" } }, [])
      yield* refuseMisplaced(file, { data: { root: resolve("src") } }, [])
      yield* refuseMisplaced(file, { data: { root: "src" } }, ["data.root=src"])
      yield* refuseMisplaced(file, { data: { root: "no such folder" } }, [])
      yield* refuseMisplaced(file, { data: "text" }, [])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
