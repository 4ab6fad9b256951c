import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type { IncomingMessage } from "node:http"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as DiskPretrained from "../../../src/layers/hub/DiskPretrained.ts"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { bytes, linked, sha256, withHub } from "./hub.ts"

const source = "hf:timm/net.v1"
const fileIn = (cache: string) => join(cache, "hub", "timm", "net.v1", "main", "model.safetensors")

it.live("weights come from where the hub leads, the token does not go there, and they are fetched once", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const asked: Array<readonly [string, IncomingMessage]> = []
    const store = yield* serve((request, response) => {
      asked.push(["store", request])
      send(request, response, bytes, { etag: '"of the store"' })
    })
    const hub = yield* serve((request, response) => {
      asked.push(["hub", request])
      if (request.url?.startsWith("/moved")) response.writeHead(302, { location: `${store}/x?signature=1`, ...linked })
      else response.writeHead(307, { location: `/moved${request.url}` })
      response.end()
    })
    const notes: Array<string> = []
    const environment = { HF_ENDPOINT: `${hub}/`, WEFT_CACHE: cache, HF_TOKEN: "hf_secret" }
    yield* Effect.gen(function* () {
      const { contents, tensors } = yield* Pretrained
      const { metadata, shapes } = yield* contents(source)
      assert.deepStrictEqual([metadata["mean"], shapes.get("conv.weight")], ["0.1,0.2,0.3", [200, 300]])
      assert.strictEqual((yield* tensors(source, new Set(["conv.weight"]))).get("conv.weight")?.data.length, 60_000)
    }).pipe(Effect.provide(DiskPretrained.layer), withHub(environment, { notes }))
    assert.deepStrictEqual(
      asked.map(([who, { headers, url }]) => [who, url, headers.authorization]),
      [
        ["hub", "/timm/net.v1/resolve/main/model.safetensors", "Bearer hf_secret"],
        ["hub", "/moved/timm/net.v1/resolve/main/model.safetensors", "Bearer hf_secret"],
        ["store", "/x?signature=1", undefined]
      ]
    )
    assert.deepStrictEqual(notes, [])
    assert.deepStrictEqual(readdirSync(join(fileIn(cache), "..")), ["model.safetensors"])
    const offline = yield* hubFile(source).pipe(withHub({ ...environment, HF_HUB_OFFLINE: "1" }))
    assert.isTrue(readFileSync(offline).equals(bytes))
  })
)

it.live("a name of the same machine is another host: the token stays with the first", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const tokens: Array<string | undefined> = []
    const hub = yield* serve((request, response) => {
      tokens.push(request.headers.authorization)
      if (request.headers.host?.startsWith("localhost")) return send(request, response, bytes)
      const location = `http://localhost:${request.headers.host?.split(":")[1]}/x`
      response.writeHead(302, { location, ...linked }).end()
    })
    yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache, HF_TOKEN: "hf_secret" }))
    assert.deepStrictEqual(tokens, ["Bearer hf_secret", undefined])
  })
)

it.live("a revision and a file are asked for by name, and lie apart", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const urls: Array<string | undefined> = []
    const hub = yield* serve((request, response) => {
      urls.push(request.url)
      send(request, response, bytes, { etag: `"${sha256}"` })
    })
    const path = yield* hubFile("hf:timm/net.v1@v2/half/model.fp16.safetensors").pipe(
      withHub({ HF_ENDPOINT: hub, XDG_CACHE_HOME: cache })
    )
    assert.strictEqual(path, join(cache, "weft", "hub", "timm", "net.v1", "v2", "half", "model.fp16.safetensors"))
    assert.deepStrictEqual(urls, ["/timm/net.v1/resolve/v2/half/model.fp16.safetensors"])
  })
)

it.live("a cut and a silence are gone on with, through the hub each time", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const part = `${fileIn(cache)}.part`
    const ranges: Array<string | undefined> = []
    const store = yield* serve((request, response, count) => {
      ranges.push(request.headers.range)
      if (count === 0) return send(request, response, bytes, { upTo: 70_000, part })
      if (count > 1) return send(request, response, bytes)
      const from = 70_000
      response.writeHead(206, {
        "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
        "content-length": bytes.length - from,
        etag: '"one"'
      })
      response.write(bytes.subarray(from, 100_000))
    })
    const hub = yield* serve((_, response) => void response.writeHead(302, { location: store, ...linked }).end())
    const path = yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }, { patience: 1000 }))
    assert.isTrue(readFileSync(path).equals(bytes))
    assert.deepStrictEqual(ranges, [undefined, "bytes=70000-", "bytes=100000-"])
  })
)

it.live("a server that goes on from another place is not believed", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const part = `${fileIn(cache)}.part`
    const hub = yield* serve((request, response, count) => {
      if (count === 0) return send(request, response, bytes, { upTo: 70_000, part, headers: linked })
      if (count > 1) return send(request, response, bytes, { headers: linked })
      response.writeHead(206, { "content-range": `bytes 9-${bytes.length - 1}/${bytes.length}`, etag: '"one"' })
      response.end(bytes.subarray(9))
    })
    const path = yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }))
    assert.isTrue(readFileSync(path).equals(bytes))
  })
)

it.live("other bytes, or more or fewer than are published, are refused and thrown away", () =>
  Effect.gen(function* () {
    const cases: ReadonlyArray<readonly [Record<string, string | number>, string]> = [
      [{ ...linked, "x-linked-etag": `"${"0".repeat(64)}"` }, "it was damaged or replaced"],
      [{ "x-linked-size": String(bytes.length + 1) }, `${bytes.length} bytes, and ${bytes.length + 1} are published`],
      [{ ...linked, "content-length": 1000 }, `1000 bytes, and ${bytes.length} are published`]
    ]
    for (const [headers, text] of cases) {
      const cache = yield* temporaryFolder
      const hub = yield* serve((_, response) => {
        response.writeHead(200, { "content-length": bytes.length, etag: '"one"', ...headers })
        response.end(bytes.subarray(0, Number(headers["content-length"] ?? bytes.length)))
      })
      const error = yield* Effect.flip(hubFile(source)).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }))
      assert.strictEqual(error.reason, "damaged")
      assert.include(error.message, text)
      assert.deepStrictEqual(readdirSync(join(fileIn(cache), "..")), [])
    }
  })
)

it.live("a length that is larger than what comes is a file that never comes whole", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const hub = yield* serve((_, response) => {
      response.writeHead(200, { "content-length": bytes.length + 9, etag: '"one"' }).write(bytes)
      setTimeout(() => response.destroy(), 30)
    })
    const error = yield* Effect.flip(hubFile(source)).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }))
    assert.strictEqual(error.reason, "unreachable")
    assert.isFalse(existsSync(fileIn(cache)))
  })
)

it.live("a hub that publishes no SHA-256 is noted", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const hub = yield* serve((request, response) => send(request, response, bytes, { etag: `"${"a".repeat(40)}"` }))
    const notes: Array<string> = []
    yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache }, { notes }))
    assert.deepStrictEqual(notes, [
      `the hub publishes no SHA-256 of ${hub}/timm/net.v1/resolve/main/model.safetensors: its length alone was checked`
    ])
  })
)
