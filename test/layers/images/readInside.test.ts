import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { OutsideError, readInside, readInsideNow } from "../../../src/layers/images/readInside.ts"
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

const codeOf = (cause: unknown): string =>
  cause instanceof OutsideError ? "outside" : String((cause as NodeJS.ErrnoException).code)

/** What both ways of reading say: the text, "outside", or the system's code. */
const verdict = (path: string, within: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
    const later = await readInside(path, within).then(text, codeOf)
    let now: string
    try {
      now = text(readInsideNow(path, within))
    } catch (cause) {
      now = codeOf(cause)
    }
    assert.strictEqual(now, later, path)
    return now
  })

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

  it.live("says of what is inside what the system says", () =>
    Effect.gen(function* () {
      const { root } = yield* tree
      assert.strictEqual(yield* verdict(`${root}/none.jpg`, [root]), "ENOENT")
      assert.strictEqual(yield* verdict(`${root}/none/sub/none.jpg`, [root]), "ENOENT")
      assert.strictEqual(yield* verdict(`${root}/in-folder/none.jpg`, [root]), "ENOENT")
      assert.strictEqual(yield* verdict(`${root}/photos/a.jpg/b.jpg`, [root]), "ENOTDIR")
      assert.strictEqual(yield* verdict(`${root}/photos/deep`, [root]), "EISDIR")
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

  it.live("opens nothing outside: a pipe that nobody writes to would never answer", () =>
    Effect.gen(function* () {
      const { root, top } = yield* tree
      execFileSync("mkfifo", [join(top, "outside", "pipe.jpg")])
      symlinkSync("../outside/pipe.jpg", join(root, "pipe.jpg"))
      for (const path of ["pipe.jpg", "../outside/pipe.jpg", "out-folder/pipe.jpg"])
        assert.strictEqual(yield* verdict(`${root}/${path}`, [root]), "outside", path)
    })
  )
})
