import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { Timing } from "../../../src/layers/hub/download/download.ts"
import { fetchFile } from "../../../src/layers/backend/fetchFile.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "../hub/download/server.ts"

const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) % 251)
const hex = (algorithm: string) => createHash(algorithm).update(bytes)

/** As the installer fetches, without its long waits. */
const download = (url: string, path: string, sha256: string | undefined, patience = 20_000) =>
  fetchFile(url, path, sha256).pipe(Effect.provideService(Timing, { patience, pause: 20, longestWait: 1000 }))
const sha256 = hex("sha256").digest("hex")

it.live("a connection that is cut is gone on with from where it was, in one run", () =>
  Effect.gen(function* () {
    const ranges: Array<string | undefined> = []
    const path = join(yield* temporaryFolder, "a.tar.gz")
    const address = yield* serve((request, response, count) => {
      ranges.push(request.headers.range)
      send(request, response, bytes, count < 2 ? { upTo: 60_000 * (count + 1), part: `${path}.part` } : {})
    })
    yield* download(`${address}/a.tar.gz`, path, sha256)
    assert.isTrue(readFileSync(path).equals(bytes))
    assert.deepStrictEqual(ranges, [undefined, "bytes=60000-", "bytes=120000-"])
  })
)

it.live("a run that was stopped is gone on with by the next one", () =>
  Effect.gen(function* () {
    const ranges: Array<string | undefined> = []
    const address = yield* serve((request, response, count) => {
      ranges.push(request.headers.range)
      if (count > 0) return send(request, response, bytes)
      response.writeHead(200, { "content-length": bytes.length, etag: '"one"' }).write(bytes.subarray(0, 50_000))
    })
    const folder = yield* temporaryFolder
    const path = join(folder, "a.tar.gz")
    const first = yield* Effect.forkChild(download(`${address}/a.tar.gz`, path, sha256))
    const have = () => existsSync(`${path}.part`) && readFileSync(`${path}.part`).length === 50_000
    while (!have()) yield* Effect.sleep("10 millis")
    yield* Fiber.interrupt(first)
    assert.isFalse(existsSync(path))
    yield* download(`${address}/a.tar.gz`, path, sha256)
    assert.isTrue(readFileSync(path).equals(bytes))
    assert.deepStrictEqual(ranges, [undefined, "bytes=50000-"])
    assert.deepStrictEqual(readdirSync(folder), ["a.tar.gz"])
  })
)

it.live("a part of a file that has been changed since is thrown away", () =>
  Effect.gen(function* () {
    const older = bytes.map((byte) => 255 - byte)
    const path = join(yield* temporaryFolder, "a.tar.gz")
    const address = yield* serve((request, response, count) =>
      count === 0
        ? send(request, response, older, { etag: '"older"', upTo: 60_000, part: `${path}.part` })
        : send(request, response, bytes, { etag: '"newer"' })
    )
    yield* download(`${address}/a.tar.gz`, path, sha256)
    assert.isTrue(readFileSync(path).equals(bytes))
  })
)

it.live("a server that stops sending is left after a while and asked again", () =>
  Effect.gen(function* () {
    const address = yield* serve((request, response, count) => {
      if (count > 0) return send(request, response, bytes)
      response.writeHead(200, { "content-length": bytes.length, etag: '"one"' }).write(bytes.subarray(0, 1000))
    })
    const path = join(yield* temporaryFolder, "a.tar.gz")
    yield* download(`${address}/a.tar.gz`, path, sha256, 150)
    assert.isTrue(readFileSync(path).equals(bytes))
  })
)

it.live("a wrong hash is an error that names both, and nothing of the file stays", () =>
  Effect.gen(function* () {
    const address = yield* serve((request, response) => send(request, response, bytes))
    const folder = yield* temporaryFolder
    const wrong = "0".repeat(64)
    const error = yield* Effect.flip(download(`${address}/a.tar.gz`, join(folder, "a.tar.gz"), wrong))
    assert.strictEqual(error.reason, "damaged")
    assert.include(error.message, sha256)
    assert.include(error.message, wrong)
    assert.deepStrictEqual(readdirSync(folder), [])
  })
)

it.live("the hash that the server publishes is compared where none is given", () =>
  Effect.gen(function* () {
    const right = hex("md5").digest("base64")
    const address = yield* serve((request, response) => {
      const md5 = request.url === "/right.gz" ? right : Buffer.alloc(16).toString("base64")
      send(request, response, bytes, { headers: { "x-goog-hash": `crc32c=AAAAAA==, md5=${md5}` } })
    })
    const folder = yield* temporaryFolder
    yield* download(`${address}/right.gz`, join(folder, "right.gz"), undefined)
    const error = yield* Effect.flip(download(`${address}/wrong.gz`, join(folder, "wrong.gz"), undefined))
    assert.strictEqual(error.reason, "damaged")
    assert.deepStrictEqual(readdirSync(folder), ["right.gz"])
  })
)

it.live("a server that is busy is asked again, one that has no such file is not", () =>
  Effect.gen(function* () {
    let asked = 0
    const address = yield* serve((request, response, count) => {
      asked++
      if (request.url === "/none.gz") return void response.writeHead(404).end()
      if (count < 2) return void response.writeHead(503).end()
      send(request, response, bytes)
    })
    const folder = yield* temporaryFolder
    yield* download(`${address}/a.gz`, join(folder, "a.gz"), sha256)
    assert.strictEqual(asked, 3)
    const error = yield* Effect.flip(download(`${address}/none.gz`, join(folder, "none.gz"), undefined))
    assert.strictEqual(error.reason, "notFound")
    assert.include(error.message, "404")
    assert.strictEqual(asked, 4)
  })
)

it.live("a file that never comes whole is given up after five tries, and its part is kept for the next run", () =>
  Effect.gen(function* () {
    let asked = 0
    const path = join(yield* temporaryFolder, "a.tar.gz")
    const address = yield* serve((request, response) => {
      asked++
      send(request, response, bytes, { upTo: 10_000, part: `${path}.part` })
    })
    const error = yield* Effect.flip(download(`${address}/a.tar.gz`, path, sha256))
    assert.strictEqual(error.reason, "unreachable")
    assert.strictEqual(asked, 5)
    assert.isFalse(existsSync(path))
    assert.strictEqual(readFileSync(`${path}.part`).length, 10_000)
  })
)

it.live.skipIf(!existsSync("/dev/full"))("a full disk is said to be one", () =>
  Effect.gen(function* () {
    const address = yield* serve((request, response) => send(request, response, bytes))
    const path = join(yield* temporaryFolder, "a.tar.gz")
    symlinkSync("/dev/full", `${path}.part`)
    const error = yield* Effect.flip(download(`${address}/a.tar.gz`, path, sha256))
    assert.strictEqual(error.reason, "diskFull")
    assert.include(error.message, "the disk is full")
  })
)
