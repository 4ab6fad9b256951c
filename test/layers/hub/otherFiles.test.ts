import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { dirname, join } from "node:path"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { bytes, linked, withHub } from "./hub.ts"

const source = "hf:timm/net.v1"
const fileIn = (cache: string) => join(cache, "hub", "timm", "net.v1", "main", "model.safetensors")

const page = Buffer.from("<!doctype html><html><title>Sign in to the network</title></html>")
const pointer = Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 14184556\n")
const torch = Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(5000, 7)])

describe("what a hub sends instead of weights", () => {
  for (const [what, content, headers, message] of [
    ["a sign-in page", page, {}, /this is a web page, not a safetensors file; it may be a sign-in or an error page/],
    ["a sign-in page where the hash is published", page, linked, /this is a web page/],
    ["a pointer", pointer, {}, /this is a Git LFS pointer/],
    ["a PyTorch file", torch, {}, /this is a PyTorch file \(pickle\).* convert it with Python/],
    ["a cut file without a published length", bytes.subarray(0, 100_000), {}, /ends at \d+, the file at 100000/],
    ["nothing", Buffer.alloc(0), {}, /this is an empty file/]
  ] as const)
    it.live(`${what} is named with its address, and not kept: the next try is another one`, () =>
      Effect.gen(function* () {
        const cache = yield* temporaryFolder
        const hub = yield* serve((request, response, count) =>
          send(request, response, count === 0 ? content : bytes, { headers: count === 0 ? headers : linked })
        )
        const environment = { HF_ENDPOINT: hub, WEFT_CACHE: cache }
        const error = yield* Effect.flip(hubFile(source).pipe(withHub(environment)))
        assert.strictEqual(error.reason, "damaged")
        assert.match(error.detail, message)
        assert.include(error.detail, `${hub}/timm/net.v1/resolve/main/model.safetensors: `)
        assert.include(error.detail, "It was not kept")
        assert.deepStrictEqual(readdirSync(dirname(fileIn(cache))), [])
        yield* hubFile(source).pipe(withHub(environment))
        assert.isTrue(readFileSync(fileIn(cache)).equals(bytes))
      })
    )

  it.live("a page instead of what describes the weights is not kept either, and a note tells", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      const hub = yield* serve((request, response) => send(request, response, page))
      const notes: Array<string> = []
      const beside = Pretrained.use(({ beside }) => beside(source)).pipe(Effect.provide(DiskPretrained.layer))
      assert.isUndefined(yield* beside.pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }, { notes })))
      assert.match(notes.join(), /config\.json: this is not JSON: it begins with "<!doctype html>/)
      assert.isFalse(existsSync(join(dirname(fileIn(cache)), "config.json")))
    })
  )

  it.live("a wrong file in the cache is named, with what to do", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      mkdirSync(dirname(fileIn(cache)), { recursive: true })
      writeFileSync(fileIn(cache), pointer)
      const contents = Pretrained.use(({ contents }) => contents(source)).pipe(Effect.provide(DiskPretrained.layer))
      const error = yield* Effect.flip(contents.pipe(withHub({ WEFT_CACHE: cache, HF_HUB_OFFLINE: "1" })))
      assert.strictEqual(error.reason, "unreadable")
      assert.match(error.detail, /this is a Git LFS pointer/)
      assert.include(error.detail, `The file is ${fileIn(cache)}: remove it`)
    })
  )
})

describe("a server that packs what it was asked not to", () => {
  const packed = {
    gzip: gzipSync(bytes),
    "x-gzip": gzipSync(bytes),
    deflate: deflateSync(bytes),
    br: brotliCompressSync(bytes)
  }
  for (const [packing, content] of Object.entries(packed))
    it.live(`is understood: ${packing}, with the published hash and length checked`, () =>
      Effect.gen(function* () {
        const cache = yield* temporaryFolder
        const hub = yield* serve((request, response) =>
          send(request, response, content, { headers: { "content-encoding": packing, ...linked } })
        )
        yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }))
        assert.isTrue(readFileSync(fileIn(cache)).equals(bytes))
        assert.deepStrictEqual(readdirSync(dirname(fileIn(cache))), ["model.safetensors"])
      })
    )

  it.live("does not join two tries, of which one was packed", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      const ranges: Array<string | undefined> = []
      const gzip = { "content-encoding": "gzip" }
      const hub = yield* serve((request, response, count) => {
        ranges.push(request.headers.range)
        const part = `${fileIn(cache)}.part`
        // First the plain file, cut; then its rest, packed; then packed, cut; then whole.
        if (count === 0) send(request, response, bytes, { upTo: 100_000, part, headers: linked })
        else if (count === 1) send(request, response, bytes, { headers: { ...gzip, ...linked } })
        else if (count === 2) cutPacked(response)
        else send(request, response, packed.gzip, { headers: { ...gzip, ...linked } })
      })
      yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }))
      assert.isTrue(readFileSync(fileIn(cache)).equals(bytes))
      assert.deepStrictEqual(ranges, [undefined, "bytes=100000-", undefined, undefined])
    })
  )

  it.live("in a way that nobody knows is refused with that reason", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      const hub = yield* serve((request, response) =>
        send(request, response, bytes, { headers: { "content-encoding": "sdch" } })
      )
      const error = yield* Effect.flip(hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache })))
      assert.match(error.detail, /the server compresses the file \(sdch\), which was not asked for/)
      assert.isFalse(existsSync(fileIn(cache)))
    })
  )

  const cutPacked = (response: ServerResponse) => {
    response.writeHead(200, { "content-length": packed.gzip.length, "content-encoding": "gzip", ...linked })
    response.write(packed.gzip.subarray(0, 50_000), () => response.destroy())
  }
})
