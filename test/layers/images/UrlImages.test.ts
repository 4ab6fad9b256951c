/** Images at URLs, against servers on this machine that do what servers do. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import { createHash } from "node:crypto"
import { existsSync, readdirSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { join } from "node:path"
import sharp from "sharp"
import * as AllImageBytes from "../../../src/layers/images/AllImageBytes.ts"
import { lookupFor, refusalOf } from "../../../src/layers/images/urls/allowed.ts"
import { UrlsConfig } from "../../../src/pipeline/DataConfig.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import type { Answer } from "../hub/download/server.ts"
import { send, serve } from "../hub/download/server.ts"

const most = 1e6

/** An image of some length that does not pack well. */
const picture = Effect.promise(async () => {
  let state = 1
  const data = Uint8Array.from({ length: 90 * 70 * 3 }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state % 256
  })
  return new Uint8Array(
    await sharp(data, { raw: { width: 90, height: 70, channels: 3 } })
      .png()
      .toBuffer()
  )
})

const settings = (cache: string, keys: Partial<typeof UrlsConfig.Encoded> = {}): UrlsConfig =>
  Schema.decodeSync(UrlsConfig)({ hosts: ["127.0.0.1"], cache, retries: 0, timeoutSeconds: 5, ...keys })

const read = (url: string, urls: UrlsConfig | undefined) =>
  ImageBytes.use((bytes) => bytes.read(url, most, ["nowhere"], urls)).pipe(Effect.provide(AllImageBytes.layer))

/** What a server's answers lead to, each a new request: the image's length, or why there is none. */
const outcome = (answer: Answer, keys: Partial<typeof UrlsConfig.Encoded> = {}, path = "/a.png") =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const address = yield* serve(answer)
    const result = yield* Effect.match(read(`${address}${path}`, settings(cache, keys)), {
      onFailure: ({ detail, reason }) => ({ reason, detail }),
      onSuccess: (bytes) => bytes.length
    })
    return { result, left: readdirSync(cache, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()) }
  })

const ended = (response: ServerResponse, status: number, headers = {}, body = "") =>
  response.writeHead(status, headers).end(body)

describe("images at URLs", () => {
  it.live("are fetched once, by any number at the same time, and a second start asks for nothing", () =>
    Effect.gen(function* () {
      const bytes = yield* picture
      const cache = yield* temporaryFolder
      let asked = 0
      const address = yield* serve((request, response) => {
        asked += 1
        send(request, response, bytes)
      })
      const urls = settings(cache)
      const all = yield* Effect.forEach(
        ["/a.png", "/a.png", "/b.png?x=1", "/a.png#top"],
        (path) => read(`${address}${path}`, urls),
        { concurrency: 4 }
      )
      for (const one of all) assert.deepStrictEqual(Buffer.from(one), Buffer.from(bytes))
      assert.strictEqual(asked, 2)
      yield* read(`${address}/a.png`, urls)
      assert.strictEqual(asked, 2)
    })
  )

  it.live("that break off are gone on with, in the same start or the next", () =>
    Effect.gen(function* () {
      const bytes = yield* picture
      const cache = yield* temporaryFolder
      const ranges: Array<string | undefined> = []
      const address = yield* serve((request, response, count) => {
        ranges.push(request.headers.range)
        const upTo = [3000, 5000][count]
        const url = `http://${request.headers.host}${request.url}`
        const digest = createHash("sha256").update(url).digest("hex")
        // What is on its way when a connection breaks is lost.
        const part = join(cache, digest.slice(0, 2), `${digest}.part`)
        send(request, response, bytes, upTo === undefined ? {} : { upTo, part })
      })
      const first = yield* Effect.flip(read(`${address}/a.png`, settings(cache)))
      assert.strictEqual(first.reason, "notFetched")
      const again = yield* read(`${address}/a.png`, settings(cache, { retries: 1 }))
      assert.deepStrictEqual(Buffer.from(again), Buffer.from(bytes))
      assert.strictEqual(ranges.length, 3)
      assert.isUndefined(ranges[0])
      assert.deepStrictEqual(ranges.slice(1), ["bytes=3000-", "bytes=5000-"])
    })
  )

  it.live("begin again where the server has another version, goes on elsewhere, or knows no ranges", () =>
    Effect.gen(function* () {
      const bytes = yield* picture
      const answers: ReadonlyArray<Answer> = [
        (request, response) => send(request, response, bytes, { etag: '"two"' }),
        (_, response) => void response.writeHead(200, { "content-length": bytes.length }).end(bytes),
        (request, response) =>
          request.headers.range === undefined
            ? send(request, response, bytes)
            : void response.writeHead(206, { "content-range": `bytes 1-9/${bytes.length}` }).end(bytes.subarray(1, 10)),
        (request, response) =>
          request.headers.range === undefined ? send(request, response, bytes) : void ended(response, 416)
      ]
      for (const answer of answers) {
        const cut: Answer = (request, response, count) =>
          count === 0 ? send(request, response, bytes, { upTo: 4000 }) : answer(request, response, count)
        const { result } = yield* outcome(cut, { retries: 3 })
        assert.strictEqual(result, bytes.length)
      }
    })
  )

  it.live("are asked for again where a server fails for a while, and no more often than allowed", () =>
    Effect.gen(function* () {
      const bytes = yield* picture
      let asked = 0
      const failing: Answer = (request, response, count) => {
        asked += 1
        if (count < 2) ended(response, 503)
        else send(request, response, bytes)
      }
      assert.strictEqual((yield* outcome(failing, { retries: 2 })).result, bytes.length)
      asked = 0
      const { result } = yield* outcome(failing, { retries: 1 })
      assert.deepStrictEqual(result, { reason: "notFetched", detail: "the server answered 503" })
      assert.strictEqual(asked, 2)
    })
  )

  const refused: ReadonlyArray<
    readonly [
      sentence: string,
      answer: Answer,
      reason: string,
      detail: RegExp,
      keys?: Partial<typeof UrlsConfig.Encoded>
    ]
  > = [
    ["that are not there", (_, response) => void ended(response, 404), "imageMissing", /answered 404/, { retries: 3 }],
    ["that may not be read", (_, response) => void ended(response, 403), "notFetched", /answered 403/, { retries: 3 }],
    [
      "that are web pages",
      (_, response) => void ended(response, 200, { "content-type": "text/html" }, "<!doctype html>sign in"),
      "notAnImage",
      /no image \(text\/html, 22 bytes\)/
    ],
    ["that are empty", (_, response) => void ended(response, 200), "notAnImage", /no image \(of no type, 0 bytes\)/],
    [
      "that say that they are too large",
      (_, response) => void response.writeHead(200, { "content-length": 1e12 }).write("x"),
      "imageTooLarge",
      /data\.urls\.maxBytes allows 2000/,
      { maxBytes: 2000 }
    ],
    [
      "that are too large and do not say so",
      (_, response) => {
        response.writeHead(200)
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(4096)));
        }
        response.on("drain", more)
        response.on("error", () => {})
        more()
      },
      "imageTooLarge",
      /data\.urls\.maxBytes allows 200000/,
      { maxBytes: 200_000 }
    ],
    [
      "that lead round in a circle",
      (_, response) => void ended(response, 302, { location: "/a.png" }),
      "notFetched",
      /more than 5 times/
    ],
    [
      "that lead to a host that is not allowed",
      (_, response) => void ended(response, 302, { location: "http://elsewhere.test/a.png" }),
      "urlRefused",
      /another address: elsewhere\.test is not among `data\.urls\.hosts`/
    ],
    [
      "that lead to a file",
      (_, response) => void ended(response, 302, { location: "file:///etc/passwd" }),
      "urlRefused",
      /no http or https URL/
    ],
    [
      "that are packed without being asked for",
      (_, response) => void ended(response, 200, { "content-encoding": "gzip" }, "x"),
      "notFetched",
      /packs what it sends \(gzip\)/
    ],
    ["of a server that is silent", () => {}, "notFetched", /sent nothing for 0\.2 s/, { timeoutSeconds: 0.2 }],
    [
      "of a server that stops in the middle",
      (_, response) => void response.writeHead(200, { "content-length": 100 }).write("x"),
      "notFetched",
      /sent nothing for 0\.2 s/,
      { timeoutSeconds: 0.2 }
    ]
  ]
  for (const [sentence, answer, reason, detail, keys] of refused)
    it.live(`${sentence} are refused, with a reason`, () =>
      Effect.gen(function* () {
        const { left, result } = yield* outcome(answer, keys)
        if (typeof result === "number") return assert.fail("it was read")
        assert.strictEqual(result.reason, reason)
        assert.match(result.detail, detail)
        if (reason !== "notFetched") assert.deepStrictEqual(left, [])
      })
    )

  it.live("are refused without `data.urls`, of other hosts, and with a password in them", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      let asked = 0
      const address = yield* serve((_, response) => {
        asked += 1
        ended(response, 200)
      })
      const off = yield* Effect.flip(read(`${address}/a.png`, undefined))
      assert.strictEqual(off.reason, "urlRefused")
      assert.include(off.detail, '`data.urls.hosts = ["127.0.0.1"]`')
      const other = yield* Effect.flip(read(`${address}/a.png`, settings(cache, { hosts: ["cdn.example.com"] })))
      assert.match(other.detail, /127\.0\.0\.1:\d+ is not among/)
      const anyHost = yield* Effect.flip(read(`${address}/a.png`, settings(cache, { hosts: "any" })))
      assert.match(anyHost.detail, /on a private network/)
      const secret = yield* Effect.flip(read(address.replace("//", "//a:b@"), settings(cache)))
      assert.match(secret.detail, /a name or a password/)
      assert.strictEqual(asked, 0)
    })
  )

  it.live("leave their servers alone once they are no longer wanted", () =>
    Effect.gen(function* () {
      const cache = yield* temporaryFolder
      let closed: (() => void) | undefined
      let came: (() => void) | undefined
      const isClosed = new Promise<void>((done) => (closed = done))
      const hasCome = new Promise<void>((done) => (came = done))
      const address = yield* serve((request, response) => {
        response.on("close", () => closed?.())
        response.writeHead(200, { "content-length": 1000 }).write("begun")
        came?.()
        request.resume()
      })
      const reading = yield* Effect.forkChild(read(`${address}/a.png`, settings(cache)))
      yield* Effect.promise(() => hasCome)
      yield* Fiber.interrupt(reading)
      yield* Effect.promise(() => isClosed)
      const files = readdirSync(cache, { recursive: true }).map(String)
      assert.isFalse(files.some((name) => name.endsWith(".lock")))
      assert.isTrue(existsSync(join(cache)))
    })
  )
})

describe("which URLs are allowed", () => {
  it("is a matter of the host, as a whole or behind `*.`", () => {
    const allowed = (url: string, hosts: UrlsConfig["hosts"]) => refusalOf(new URL(url), hosts) === undefined
    assert.isTrue(allowed("https://cdn.example.com/a", ["cdn.example.com"]))
    assert.isTrue(allowed("https://CDN.example.com./a", ["cdn.example.com"]))
    assert.isTrue(allowed("http://localhost:8080/a", ["localhost:8080"]))
    assert.isFalse(allowed("http://localhost:8081/a", ["localhost:8080"]))
    assert.isTrue(allowed("https://a.b.example.com/a", ["*.example.com"]))
    assert.isFalse(allowed("https://example.com/a", ["*.example.com"]))
    assert.isFalse(allowed("https://evilexample.com/a", ["*.example.com"]))
    assert.isFalse(allowed("https://cdn.example.com.evil.test/a", ["cdn.example.com"]))
    assert.isTrue(allowed("https://1.1.1.1/a", "any"))
  })

  it("is no private address, however it is written, unless the host is named", () => {
    for (const host of [
      "127.0.0.1",
      "0x7f.1",
      "2130706433",
      "10.1.2.3",
      "169.254.169.254",
      "192.168.0.1",
      "0.0.0.0",
      "[::1]",
      "[::]",
      "[::ffff:127.0.0.1]",
      "[fd00::1]",
      "[fe80::1]",
      "[64:ff9b::7f00:1]"
    ]) {
      assert.match(refusalOf(new URL(`http://${host}/a`), "any") ?? "", /private network/, host)
      assert.isUndefined(refusalOf(new URL(`http://${host}/a`), [new URL(`http://${host}/`).hostname]), host)
    }
  })

  it.live("is checked again when a name is looked up", () =>
    Effect.gen(function* () {
      const found = (hosts: UrlsConfig["hosts"]) =>
        Effect.promise(
          () =>
            new Promise<string>((done) =>
              lookupFor(new URL("http://localhost/"), hosts)("localhost", {}, (error, address) =>
                done(error === null ? String(address) : error.message)
              )
            )
        )
      assert.match(yield* found("any"), /localhost is on a private network/)
      assert.match(yield* found(["*.localhost"]), /private network/)
      assert.match(yield* found(["localhost"]), /^(127\.|::1)/)
    })
  )
})
