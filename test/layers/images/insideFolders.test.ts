import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskImageBytes from "../../../src/layers/images/DiskImageBytes.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { outside } from "../../../src/pipeline/Images.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

/** `data` with photos and links, and beside it what is none of its business. */
const tree = Effect.gen(function* () {
  const top = realpathSync(yield* temporaryFolder)
  const root = join(top, "data")
  for (const folder of ["data/photos/deep", "outside/sub", "database"])
    mkdirSync(join(top, folder), { recursive: true })
  for (const file of ["data/photos/a.jpg", "data/..b.jpg", "outside/x.jpg", "outside/sub/y.jpg", "database/z.jpg"])
    writeFileSync(join(top, file), file)
  const links = {
    "in.jpg": "photos/a.jpg",
    "in-absolute.jpg": join(root, "photos", "a.jpg"),
    "in-twice.jpg": "in.jpg",
    "in-folder": "photos",
    "out.jpg": "../outside/x.jpg",
    "out-twice.jpg": "out.jpg",
    "out-missing.jpg": "../outside/none.jpg",
    "out-absolute.jpg": "/etc/passwd",
    "out-absolute-missing.jpg": "/etc/no-such-file",
    "out-folder": "../outside",
    "out-folder-missing": "../nowhere",
    "in-missing.jpg": "photos/none.jpg",
    "loop.jpg": "loop.jpg"
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name))
  symlinkSync(root, join(top, "data-link"))
  return { root, top }
})

/** What the service and the feed's own way of reading say: the text, "outside", or why it is refused. */
const verdict = Effect.fnUntraced(function* (path: string, within: ReadonlyArray<string>, most = 1000) {
  const bytes = yield* ImageBytes
  const later = yield* Effect.result(bytes.read(path, most, within))
  const now = DiskImageBytes.readImageSync(path, most, within)
  if (Result.isSuccess(later)) {
    assert.deepStrictEqual(now, later.success, path)
    return new TextDecoder().decode(later.success)
  }
  const { detail, reason } = later.failure
  assert.strictEqual(later.failure.path, path)
  assert.deepStrictEqual(now, { reason, detail }, path)
  if (reason !== "imageOutside") return `${reason}: ${detail}`
  assert.deepStrictEqual({ reason, detail }, outside, path)
  return "outside"
}, Effect.provide(DiskImageBytes.layer))

describe("reading inside some folders", () => {
  it.live("reads what lies there, also by links and detours", () =>
    Effect.gen(function* () {
      const { root, top } = yield* tree
      for (const path of [
        "photos/a.jpg",
        "photos/../photos/./a.jpg",
        "../data/photos/a.jpg",
        "in.jpg",
        "in-absolute.jpg",
        "in-twice.jpg",
        "in-folder/a.jpg"
      ])
        assert.strictEqual(yield* verdict(`${root}/${path}`, [root]), "data/photos/a.jpg", path)
      assert.strictEqual(yield* verdict(`${root}/..b.jpg`, [root]), "data/..b.jpg")
      // The folder itself may be named by a link.
      const link = join(top, "data-link")
      assert.strictEqual(yield* verdict(`${link}/in-absolute.jpg`, [link]), "data/photos/a.jpg")
      assert.strictEqual(yield* verdict(`${link}/out.jpg`, [link]), "outside")
    })
  )

  it.live("refuses what lies outside, by whatever way, and says the same where there is nothing", () =>
    Effect.gen(function* () {
      const { root } = yield* tree
      for (const path of [
        "../outside/x.jpg",
        "../outside/none.jpg",
        "../database/z.jpg",
        "photos/../../outside/x.jpg",
        "../../../../../../../../../../etc/passwd",
        "out.jpg",
        "out-twice.jpg",
        "out-missing.jpg",
        "out-absolute.jpg",
        "out-absolute-missing.jpg",
        "out-folder/x.jpg",
        "out-folder/none.jpg",
        "out-folder/sub/y.jpg",
        "out-folder/none/none.jpg",
        "out-folder-missing/x.jpg",
        "out-folder-missing/sub/x.jpg",
        "in-missing.jpg",
        "loop.jpg",
        "loop.jpg/x.jpg"
      ])
        assert.strictEqual(yield* verdict(`${root}/${path}`, [root]), "outside", path)
      for (const path of ["/etc/passwd", "/etc/no-such-file", "/", "/no-such-folder/x.jpg"])
        assert.strictEqual(yield* verdict(path, [root]), "outside", path)
    })
  )

  it.live("says what is wrong with what is inside", () =>
    Effect.gen(function* () {
      const { root } = yield* tree
      assert.strictEqual(yield* verdict(`${root}/none.jpg`, [root]), "imageMissing: there is no such file")
      assert.strictEqual(yield* verdict(`${root}/none/sub/none.jpg`, [root]), "imageMissing: there is no such file")
      assert.strictEqual(yield* verdict(`${root}/in-folder/none.jpg`, [root]), "imageMissing: there is no such file")
      assert.strictEqual(yield* verdict(`${root}/photos/a.jpg/b.jpg`, [root]), "imageMissing: there is no such file")
      assert.strictEqual(yield* verdict(`${root}/photos/deep`, [root]), "imageUnreadable: it is a folder, not a file")
    })
  )

  it.live("reads from further folders that are named, and from those alone", () =>
    Effect.gen(function* () {
      const { root, top } = yield* tree
      const within = [root, join(top, "outside")]
      for (const path of ["../outside/x.jpg", "out.jpg", "out-twice.jpg", "out-folder/x.jpg"])
        assert.strictEqual(yield* verdict(`${root}/${path}`, within), "outside/x.jpg", path)
      assert.strictEqual(yield* verdict(join(top, "outside/sub/y.jpg"), within), "outside/sub/y.jpg")
      for (const path of ["../database/z.jpg", "out-absolute.jpg", "/etc/passwd"])
        assert.strictEqual(yield* verdict(path.startsWith("/") ? path : `${root}/${path}`, within), "outside", path)
      // A folder that is named and not there allows nothing.
      assert.strictEqual(yield* verdict(`${root}/out.jpg`, [root, join(top, "nowhere")]), "outside")
      assert.strictEqual(yield* verdict(`${root}/out-folder-missing/x.jpg`, [root, join(top, "nowhere")]), "outside")
    })
  )

  it.live.skipIf(process.platform === "win32")(
    "opens no pipe or device, neither outside nor inside, also by links",
    () =>
      Effect.gen(function* () {
        const { root, top } = yield* tree
        const within = [root]
        execFileSync("mkfifo", [join(top, "outside", "pipe.jpg"), join(root, "photos", "pipe.jpg")])
        symlinkSync("../outside/pipe.jpg", join(root, "pipe.jpg"))
        symlinkSync("photos/pipe.jpg", join(root, "in-pipe.jpg"))
        symlinkSync("photos/deep", join(root, "in-deep.jpg"))
        symlinkSync("/dev/zero", join(root, "zero.jpg"))
        // Each opens when somebody opens the pipe to read, be it for a moment.
        const writers = ["outside", "data/photos"].map((folder) =>
          spawn("sh", ["-c", `echo opening; exec 3> "$0"; echo opened`, join(top, folder, "pipe.jpg")])
        )
        const said: Array<string> = []
        for (const { stdout } of writers) {
          stdout.on("data", (data: Buffer) => said.push(data.toString()))
          yield* Effect.promise(() => once(stdout, "data"))
        }
        for (let n = 0; n < 20; n++) {
          for (const path of ["pipe.jpg", "../outside/pipe.jpg", "out-folder/pipe.jpg", "zero.jpg", "/dev/zero"])
            assert.strictEqual(yield* verdict(path.startsWith("/") ? path : `${root}/${path}`, within), "outside", path)
          for (const path of ["photos/pipe.jpg", "in-pipe.jpg", "in-folder/pipe.jpg"])
            assert.strictEqual(
              yield* verdict(`${root}/${path}`, within),
              "imageUnreadable: it is a named pipe, not a file",
              path
            )
        }
        assert.deepStrictEqual(said, ["opening\n", "opening\n"])
        for (const writer of writers) writer.kill("SIGKILL")
        assert.strictEqual(yield* verdict(`${root}/in-deep.jpg`, within), "imageUnreadable: it is a folder, not a file")
      })
  )

  it.live("reads no more bytes than allowed, and tells the size of nothing outside", () =>
    Effect.gen(function* () {
      const { root } = yield* tree
      for (const path of ["photos/a.jpg", "in.jpg", "in-folder/a.jpg"]) {
        assert.strictEqual(yield* verdict(`${root}/${path}`, [root], 17), "data/photos/a.jpg", path)
        assert.match(yield* verdict(`${root}/${path}`, [root], 16), /^imageTooLarge: it has 17 bytes/, path)
      }
      for (const path of ["../outside/x.jpg", "out.jpg", "out-folder/x.jpg"])
        assert.strictEqual(yield* verdict(`${root}/${path}`, [root], 3), "outside", path)
    })
  )

  it.live("reads nothing outside while another process swaps a folder and a file for links that lead there", () =>
    Effect.gen(function* () {
      const { root, top } = yield* tree
      // Both have files of the same names.
      for (const folder of ["data/swapped", "secret"]) {
        mkdirSync(join(top, folder))
        for (const name of ["a.jpg", "b.jpg"]) writeFileSync(join(top, folder, name), folder)
      }
      const swap = [
        `const { renameSync, symlinkSync, rmSync, writeFileSync } = require("node:fs")`,
        `const [root] = process.argv.slice(1)`,
        `const at = root + "/swapped"`,
        `process.stdout.write("started")`,
        `for (;;) {`,
        `  renameSync(at, at + ".kept"); symlinkSync("../secret", at); rmSync(at); renameSync(at + ".kept", at)`,
        `  const file = at + "/b.jpg"`,
        `  rmSync(file); symlinkSync("../../secret/b.jpg", file); rmSync(file); writeFileSync(file, "data/swapped")`,
        `}`
      ]
      const swapper = spawn(process.execPath, ["-e", swap.join("\n"), root])
      yield* Effect.promise(() => once(swapper.stdout, "data"))
      const bytes = yield* ImageBytes
      const found = new Set<string>()
      for (let n = 0; n < 2000; n++)
        for (const name of ["a.jpg", "b.jpg"]) {
          const path = join(root, "swapped", name)
          const later = yield* Effect.result(bytes.read(path, 1000, [root]))
          for (const read of [
            DiskImageBytes.readImageSync(path, 1000, [root]),
            Result.isSuccess(later) ? later.success : later.failure
          ])
            found.add(read instanceof Uint8Array ? new TextDecoder().decode(read) : read.reason)
        }
      swapper.kill("SIGKILL")
      assert.isFalse(found.has("secret"))
      for (const what of found)
        assert.include(["", "data/swapped", "imageOutside", "imageMissing", "imageUnreadable"], what)
    }).pipe(Effect.provide(DiskImageBytes.layer))
  )
})
