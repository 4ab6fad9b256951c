import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { temporaryFolder } from "../temporaryFolder.ts"
import { weft } from "./run.ts"

const quick = fileURLToPath(new URL("../../configs/quick.toml", import.meta.url))

describe("weft train --watch", () => {
  // Linux opens a page with a command that a test can put in its place.
  it.live.skipIf(process.platform !== "linux")("opens the page when the training begins; it is whole at the end", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const opened = join(folder, "opened")
      yield* Effect.promise(async () => {
        await mkdir(join(folder, "bin"))
        await writeFile(
          join(folder, "bin", "xdg-open"),
          `#!/bin/sh\necho "$1" >> ${opened}\ngrep -c 'still training' "$1" >> ${opened}\n`
        )
        await chmod(join(folder, "bin", "xdg-open"), 0o755)
      })
      const set = ["data.sample.images=200", "data.minPerClass=3", "train.epochs=1", "engine.name=wasm"]
      const { code, stderr } = yield* Effect.promise(() =>
        weft(
          ["train", "--watch", "--config", quick, "--run", "one", ...set.flatMap((key) => ["--set", key])],
          folder,
          undefined,
          undefined,
          { PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter) }
        )
      )
      assert.strictEqual(code, 0, stderr)
      const page = join(folder, "one", "report.html")
      assert.deepStrictEqual((yield* Effect.promise(() => readFile(opened, "utf8"))).trim().split("\n"), [page, "1"])
      const whole = yield* Effect.promise(() => readFile(page, "utf8"))
      assert.notMatch(whole, /still training|http-equiv="refresh"/)
      assert.match(whole, /What the network sees/)
    }).pipe(Effect.scoped)
  )
})
