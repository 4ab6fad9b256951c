import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { connect } from "node:net"
import sharp from "sharp"
import { draw } from "../../../../src/pipeline/draw.ts"
import { openServer, tokens } from "./openServer.ts"

/** A JPEG that differs from those of other numbers. */
const jpeg = (n: number) =>
  Effect.promise(() =>
    sharp({ create: { width: 30 + n, height: 40, channels: 3, background: { r: n % 256, g: 90, b: 10 } } })
      .jpeg()
      .toBuffer()
  ).pipe(Effect.map((bytes) => new Uint8Array(bytes)))

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const asAdmin = bearer(tokens.admin)
const asOperator = bearer(tokens.operator)

const call = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    const text = await response.text()
    const isJson = response.headers.get("content-type")?.includes("json") ?? false
    // What the server says is checked field by field.
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined }
  })

const json = (value: unknown, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

const image = (bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => ({
  method: "POST",
  headers: { "content-type": "image/jpeg", ...headers },
  body: bytes
})

/** What a server answers to raw bytes, until it closes the connection. */
const raw = (port: number, text: string | Uint8Array, options: { readonly end?: boolean } = {}) =>
  Effect.promise(
    () =>
      new Promise<string>((resolve) => {
        let got = ""
        const socket = connect(port, "127.0.0.1", () => {
          socket.write(text)
          if (options.end === true) socket.end()
        })
        socket.on("data", (chunk) => (got += chunk.toString("latin1")))
        socket.on("error", () => resolve(got))
        socket.on("close", () => resolve(got))
      })
  )

describe("the desk's server", () => {
  it.live("answers every endpoint to who may ask", () =>
    Effect.gen(function* () {
      const { url, context } = yield* openServer()
      const { promotions } = yield* context
      const bytes = yield* jpeg(1)
      const predicted = yield* call(`${url}/v1/predict?top=1&threshold=0.9`, image(bytes, asOperator))
      assert.strictEqual(predicted.status, 200)
      assert.strictEqual(predicted.json.images[0].columns[0].answers, false)
      assert.strictEqual(predicted.json.run, "shop")

      const uploaded = yield* call(`${url}/v1/images?name=a.jpg`, image(bytes, asOperator))
      const { digest, isNew } = uploaded.json.images[0]
      assert.strictEqual(isNew, true)
      const again = yield* call(`${url}/v1/images?name=b.jpg`, image(bytes, asOperator))
      assert.deepStrictEqual([again.json.images[0].isNew, again.json.images[0].name], [false, "a.jpg"])

      const form = new FormData()
      form.append("images", new Blob([bytes]), "one.jpg")
      form.append("images", new Blob([new Uint8Array(50)]), "two.txt")
      const several = yield* call(`${url}/v1/predict`, { method: "POST", headers: asOperator, body: form })
      assert.deepStrictEqual(
        several.json.images.map((one: { _tag: string; name: string }) => [one._tag, one.name]),
        [
          ["Predicted", "one.jpg"],
          ["Refused", "two.txt"]
        ]
      )

      assert.strictEqual((yield* call(`${url}/v1/items/${digest}`, { headers: asOperator })).json.state, "open")
      const whole = yield* call(`${url}/v1/images/${digest}`, { headers: asOperator })
      assert.strictEqual(whole.headers.get("content-type"), "image/jpeg")
      assert.include(whole.headers.get("content-security-policy") ?? "", "sandbox")
      const small = yield* call(`${url}/v1/images/${digest}/thumbnail?size=96`, { headers: asOperator })
      assert.deepStrictEqual([small.status, small.headers.get("content-type")], [200, "image/jpeg"])
      const near = yield* call(`${url}/v1/images/${digest}/neighbours?column=articleType`, { headers: asOperator })
      assert.deepStrictEqual(near.json, [])

      const facts = yield* call(`${url}/v1/desk`, { headers: asOperator })
      assert.deepStrictEqual(facts.json.operator, { name: "bob", role: "operator" })
      const [task] = (yield* call(`${url}/v1/queue/next`, json({ order: "newest", count: 3 }, asOperator))).json
      assert.strictEqual(task.digest, digest)
      const answering = {
        digest,
        version: task.version,
        values: [{ column: "articleType", value: "<script>alert(1)</script>" }],
        seconds: 1.5
      }
      const answered = yield* call(`${url}/v1/queue/answer`, json(answering, asOperator))
      assert.deepStrictEqual([answered.status, answered.json.state], [200, "answered"])
      const late = yield* call(`${url}/v1/queue/answer`, json(answering, asAdmin))
      assert.include([409, 410], late.status)
      const log = yield* call(`${url}/v1/log`, { headers: asOperator })
      assert.strictEqual(log.json[0].to, "<script>alert(1)</script>")
      assert.strictEqual((yield* call(`${url}/v1/audit/history`, { headers: asOperator })).json.length, 1)
      assert.strictEqual((yield* call(`${url}/v1/queue/undo`, { method: "POST", headers: asOperator })).json.length, 1)
      assert.strictEqual((yield* call(`${url}/v1/queue/undo`, { method: "POST", headers: asOperator })).status, 404)
      assert.strictEqual((yield* call(`${url}/v1/queue/take`, json({ digest }, asAdmin))).status, 410)
      assert.strictEqual((yield* call(`${url}/v1/queue/renew`, json({ digests: [digest] }, asOperator))).json.length, 1)
      const skipped = yield* call(`${url}/v1/queue/skip`, json({ digest, version: 2, seconds: null }, asOperator))
      assert.strictEqual(skipped.json.state, "skipped")
      const back = yield* call(`${url}/v1/queue/return`, json({ digest, version: 3 }, asOperator))
      assert.strictEqual(back.json.state, "open")
      const asked = yield* call(`${url}/v1/queue/second-opinion`, json({ digests: [digest] }, asOperator))
      assert.strictEqual(asked.status, 200)
      const open = { column: "articleType", label: "Shirts", count: 5 }
      const other = yield* call(`${url}/v1/images?name=other.jpg`, image(yield* jpeg(2), asOperator))
      const [tile] = (yield* call(`${url}/v1/grid/next`, json(open, asOperator))).json
      const confirmed = yield* call(
        `${url}/v1/grid/confirm`,
        json({ ...open, items: [{ digest: tile.digest, version: tile.version }], seconds: 2 }, asOperator)
      )
      assert.strictEqual(tile.digest, other.json.images[0].digest)
      assert.strictEqual(confirmed.json.confirmed.length, 1)
      for (const path of ["progress", "honesty", "classes", "classes?column=articleType"])
        assert.strictEqual((yield* call(`${url}/v1/${path}`, { headers: asOperator })).status, 200, path)
      assert.strictEqual((yield* call(`${url}/v1/classes?column=none`, { headers: asOperator })).status, 404)

      yield* promotions.offer({ model: "m1", run: "/runs/shop", answers: 0 })
      const promoted = yield* call(`${url}/v1/models/m1/promote`, json({}, asAdmin))
      assert.deepStrictEqual([promoted.json.state, promoted.json.by], ["live", "ann"])
      assert.strictEqual((yield* call(`${url}/v1/models`, { headers: asAdmin })).json.length, 1)
      assert.strictEqual((yield* call(`${url}/v1/models/m9/promote`, json({}, asAdmin))).status, 409)
      assert.strictEqual((yield* call(`${url}/v1/models/roll-back`, { method: "POST", headers: asAdmin })).status, 409)
      assert.strictEqual((yield* call(`${url}/v1/retrain`, { headers: asAdmin })).json.state, "idle")
      const begun = yield* call(`${url}/v1/retrain`, { method: "POST", headers: asAdmin })
      assert.deepStrictEqual([begun.status, begun.json.by], [202, "ann"])
      assert.strictEqual(
        (yield* call(`${url}/v1/retrain/stop`, { method: "POST", headers: asAdmin })).json.state,
        "stopped"
      )
      assert.strictEqual((yield* call(`${url}/v1/corrections.csv`, { headers: asAdmin })).text, "digest,row\r\n")
      assert.strictEqual((yield* call(`${url}/v1/export.csv`, { headers: asAdmin })).status, 404)

      assert.strictEqual((yield* call(`${url}/health`)).json.status, "ok")
      assert.strictEqual((yield* call(`${url}/ready`)).json.status, "ready")
      const metrics = yield* call(`${url}/metrics`)
      assert.include(metrics.text, 'weft_serve_requests{route="GET /v1/items/:digest",status="200"}')
      assert.notInclude(metrics.text, digest)
      assert.strictEqual((yield* call(`${url}/openapi.json`)).json.openapi, "3.1.0")
      const page = yield* call(`${url}/`)
      assert.strictEqual(page.status, 200)
      assert.include(page.headers.get("content-security-policy") ?? "", "script-src 'self'")
    })
  )

  it.live("the reference page loads nothing from elsewhere, and runs its own scripts alone", () =>
    Effect.gen(function* () {
      const { url } = yield* openServer()
      const docs = yield* call(`${url}/docs`)
      const policy = docs.headers.get("content-security-policy") ?? ""
      assert.match(policy, /script-src 'sha256-[^ ]+' 'sha256-[^ ]+';/)
      assert.notMatch(policy, /https?:/)
      assert.notMatch(docs.text, /<(script|link)[^>]+(src|href)=["']?https?:/)
    })
  )

  it.live("keeps out who has no token, no role or no CSRF token, and forged cookies", () =>
    Effect.gen(function* () {
      const { url } = yield* openServer()
      assert.strictEqual((yield* call(`${url}/v1/desk`)).status, 401)
      assert.strictEqual((yield* call(`${url}/v1/desk`, { headers: bearer("wrong") })).status, 401)
      assert.strictEqual((yield* call(`${url}/v1/models`, { headers: asOperator })).status, 403)
      assert.strictEqual((yield* call(`${url}/v1/retrain`, { method: "POST", headers: asOperator })).status, 403)
      // Before a body is read.
      assert.strictEqual((yield* call(`${url}/v1/predict`, image(yield* jpeg(1)))).status, 401)

      const login = yield* call(`${url}/v1/session`, json({ token: tokens.operator }))
      assert.strictEqual(login.status, 200)
      const set = login.headers.get("set-cookie") ?? ""
      assert.match(set, /HttpOnly/i)
      assert.match(set, /SameSite=Strict/i)
      const [cookie = ""] = set.split(";")
      const { csrf } = login.json
      const facts = yield* call(`${url}/v1/desk`, { headers: { cookie } })
      assert.deepStrictEqual([facts.status, facts.json.csrf], [200, csrf])
      const next = { order: "newest", count: 1 }
      assert.strictEqual((yield* call(`${url}/v1/queue/next`, json(next, { cookie }))).json.reason, "csrf")
      const wrong = json(next, { cookie, "x-csrf-token": `${csrf}x` })
      assert.strictEqual((yield* call(`${url}/v1/queue/next`, wrong)).status, 403)
      const right = json(next, { cookie, "x-csrf-token": csrf })
      assert.strictEqual((yield* call(`${url}/v1/queue/next`, right)).status, 200)
      const foreign = json(next, { cookie, "x-csrf-token": csrf, origin: "https://evil.example" })
      assert.strictEqual((yield* call(`${url}/v1/queue/next`, foreign)).json.reason, "origin")

      const [name = "", value = ""] = cookie.split("=")
      const [version, who = "", until = "", nonce, mac = ""] = decodeURIComponent(value).split(".")
      const admin = Buffer.from("ann").toString("base64url")
      for (const forged of [
        [version, admin, until, nonce, mac],
        [version, who, String(Number(until) + 1), nonce, mac],
        [version, who, until, nonce, mac.slice(0, -1)],
        [version, who, until, nonce, ""],
        [version, who, "9e99", nonce, mac],
        [version, who, until, nonce, mac, "more"],
        ["2", who, until, nonce, mac],
        ["\u{FFFD}".repeat(100)],
        [""]
      ]) {
        const cookie = `${name}=${encodeURIComponent(forged.join("."))}`
        assert.strictEqual((yield* call(`${url}/v1/desk`, { headers: { cookie } })).status, 401, cookie)
      }
      const out = yield* call(`${url}/v1/session`, { method: "DELETE", headers: { cookie, "x-csrf-token": csrf } })
      assert.strictEqual(out.status, 204)
      assert.match(out.headers.get("set-cookie") ?? "", /Max-Age=0/i)
    })
  )

  it.live("refuses further tokens from an address that has sent too many wrong ones, and says for how long", () =>
    Effect.gen(function* () {
      const { url } = yield* openServer()
      for (let i = 0; i < 20; i++)
        assert.strictEqual((yield* call(`${url}/v1/session`, json({ token: `guess ${i}` }))).status, 401)
      const refused = yield* call(`${url}/v1/session`, json({ token: tokens.admin }))
      assert.strictEqual(refused.status, 429)
      assert.isAbove(Number(refused.headers.get("retry-after")), 0)
      // Who has a token already goes on.
      assert.strictEqual((yield* call(`${url}/v1/desk`, { headers: asAdmin })).status, 200)
    })
  )

  it.live("without tokens everybody on this machine is one admin, and other names are not answered", () =>
    Effect.gen(function* () {
      const { port, url } = yield* openServer({ holders: [] })
      const facts = yield* call(`${url}/v1/desk`)
      assert.deepStrictEqual(facts.json.operator, { name: "nobody", role: "admin" })
      const rebound = yield* raw(port, "GET /v1/desk HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
      assert.match(rebound, /^HTTP\/1\.1 421 /)
      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" }
      ])
        assert.strictEqual(
          (yield* call(`${url}/v1/queue/next`, json({ order: "newest", count: 1 }, headers))).status,
          403
        )
      const own = json({ order: "newest", count: 1 }, { origin: url, "sec-fetch-site": "same-origin" })
      assert.strictEqual((yield* call(`${url}/v1/queue/next`, own)).status, 200)
    })
  )

  it.live("behind a proxy with TLS the public name is answered, and cookies are sent over TLS alone", () =>
    Effect.gen(function* () {
      const { port } = yield* openServer({ publicUrl: new URL("https://desk.example.com") })
      const body = JSON.stringify({ token: tokens.admin })
      const answer = yield* raw(
        port,
        `POST /v1/session HTTP/1.1\r\nHost: desk.example.com\r\nOrigin: https://desk.example.com\r\nConnection: close\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      )
      assert.match(answer, /^HTTP\/1\.1 200 /)
      assert.match(answer, /set-cookie: [^\r]*; Secure/i)
      assert.match(answer, /strict-transport-security: /i)
    })
  )

  it.live("refuses bodies, images and queues that are too large, and what is no image", () =>
    Effect.gen(function* () {
      const { model, port, url } = yield* openServer({
        limits: { bodyBytes: 20_000, imageBytes: 10_000, jsonBytes: 1000 }
      })
      const post = (bytes: Uint8Array<ArrayBuffer>, type = "image/jpeg") =>
        call(`${url}/v1/predict`, { method: "POST", headers: { ...asOperator, "content-type": type }, body: bytes })
      assert.strictEqual((yield* post(new Uint8Array(20_001))).status, 413)
      assert.strictEqual((yield* post(new Uint8Array(10_001))).json.of, "file")
      assert.strictEqual((yield* post(new Uint8Array(100), "text/html")).status, 415)
      assert.strictEqual((yield* post(new Uint8Array(100))).status, 415)
      assert.strictEqual((yield* post(new Uint8Array(0))).status, 400)
      assert.strictEqual((yield* post(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0]))).status, 422)
      // Of which nobody knows the length before.
      const chunk = "3e8\r\n" + "x".repeat(1000) + "\r\n"
      const head = (path: string, type: string) =>
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.operator}\r\nConnection: close\r\n` +
        `Content-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`
      assert.match(
        yield* raw(port, head("/v1/predict", "image/jpeg") + chunk.repeat(30) + "0\r\n\r\n"),
        /^HTTP\/1\.1 413 /
      )
      assert.match(
        yield* raw(port, head("/v1/queue/next", "application/json") + chunk.repeat(3) + "0\r\n\r\n"),
        /^HTTP\/1\.1 413 /
      )
      const form = new FormData()
      for (let i = 0; i < 65; i++) form.append("images", new Blob([new Uint8Array(1)]), "a.jpg")
      const many = yield* call(`${url}/v1/predict`, { method: "POST", headers: asOperator, body: form })
      assert.deepStrictEqual([many.status, many.json.of], [413, "images"])
      const field = new FormData()
      field.append("text", "no file")
      const noFile = yield* call(`${url}/v1/predict`, { method: "POST", headers: asOperator, body: field })
      assert.strictEqual(noFile.status, 400)
      const long = yield* call(
        `${url}/v1/queue/next`,
        json({ order: "newest", count: 1, x: "y".repeat(2000) }, asOperator)
      )
      assert.strictEqual(long.status, 413)

      model.isFull = true
      const busy = yield* call(`${url}/v1/predict`, image(yield* jpeg(2), asOperator))
      assert.deepStrictEqual([busy.status, busy.headers.get("retry-after")], [429, "1"])
    })
  )

  it.live("a full inbox says when to come again, and keeps what it has", () =>
    Effect.gen(function* () {
      const { url } = yield* openServer()
      for (let from = 0; from < 100; from += 50) {
        const form = new FormData()
        for (let i = from; i < from + 50; i++) form.append("images", new Blob([yield* jpeg(i)]), `${i}.jpg`)
        const some = yield* call(`${url}/v1/images`, { method: "POST", headers: asOperator, body: form })
        assert.strictEqual(some.status, 200)
      }
      const full = yield* call(`${url}/v1/images`, image(yield* jpeg(200), asOperator))
      assert.strictEqual(full.status, 429)
      assert.isAbove(Number(full.headers.get("retry-after")), 0)
      assert.strictEqual((yield* call(`${url}/v1/progress`, { headers: asOperator })).json.open, 100)
    })
  )

  it.live("names are data: no path, no markup, no control characters", () =>
    Effect.gen(function* () {
      const { url } = yield* openServer()
      const form = new FormData()
      form.append("images", new Blob([yield* jpeg(1)]), "../../etc/passwd")
      form.append("images", new Blob([yield* jpeg(2)]), '<img src=x onerror="alert(1)">.jpg')
      form.append("images", new Blob([yield* jpeg(3)]), "x".repeat(1000))
      const { json: uploaded } = yield* call(`${url}/v1/images`, { method: "POST", headers: asOperator, body: form })
      const names = uploaded.images.map(({ name }: { name: string }) => name)
      assert.strictEqual(names.length, 3)
      assert.isBelow(names[2].length, 300)
      assert.isTrue(names.every((name: string) => !/\p{Cc}/u.test(name)))
      for (const path of [
        "/v1/images/..%2f..%2fdesk.sqlite",
        "/v1/images/../../desk.sqlite",
        `/v1/images/${"0".repeat(63)}%00`,
        `/v1/images/${"0".repeat(64)}/thumbnail?size=../../x`,
        "/assets/..%2f..%2fpackage.json",
        "/assets/../package.json",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd"
      ]) {
        const { status, text } = yield* call(`${url}${path}`, { headers: asAdmin })
        assert.include([400, 404], status, path)
        assert.notInclude(text, "root:")
      }
      const [digest] = uploaded.images.map((one: { digest: string }) => one.digest)
      yield* call(`${url}/v1/queue/next`, json({ order: "newest", count: 10 }, asOperator))
      for (const value of ["a\u0000b", "a\nb", "\u{1b}[31m", "\ud800", "", "   ", "x".repeat(201)]) {
        const body = { digest, version: 0, values: [{ column: "articleType", value }], seconds: 1 }
        assert.strictEqual((yield* call(`${url}/v1/queue/answer`, json(body, asOperator))).status, 400, value)
      }
    })
  )

  it.live(
    "a thousand malformed requests get clean refusals, and the next right one its answer",
    () =>
      Effect.gen(function* () {
        const { port, url } = yield* openServer({ limits: { requestSeconds: 2, headSeconds: 1 } })
        const good =
          `POST /v1/queue/next HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.operator}\r\n` +
          `Content-Type: application/json\r\nContent-Length: 30\r\nConnection: close\r\n\r\n{"order":"newest","count":1}  `
        const random = draw("malformed", 7)
        const broken = Array.from({ length: 1000 }, () => {
          const bytes = Buffer.from(good)
          for (let i = 0; i <= random.below(8); i++) bytes[random.below(bytes.length)] = random.below(256)
          return bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : bytes.length)
        })
        const answers = yield* Effect.forEach(broken, (bytes) => raw(port, bytes, { end: true }), { concurrency: 32 })
        const statuses = answers.map((answer) => /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? "none")
        assert.notInclude(statuses, "500")
        assert.notInclude(statuses, "503")
        // Most were broken.
        assert.isAbove(statuses.filter((status) => status.startsWith("4")).length, 300)
        assert.strictEqual(
          (yield* call(`${url}/v1/queue/next`, json({ order: "newest", count: 1 }, asOperator))).status,
          200
        )
      }),
    60_000
  )

  it.live(
    "slow and half uploads are cut off, and hold up nobody",
    () =>
      Effect.gen(function* () {
        const { port, url } = yield* openServer({ limits: { requestSeconds: 2, headSeconds: 1 } })
        const head =
          `POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tokens.operator}\r\n` +
          "Content-Type: image/jpeg\r\nContent-Length: 5000\r\n\r\n"
        const halves = yield* Effect.forkChild(
          Effect.all(
            [
              ...Array.from({ length: 20 }, () => raw(port, `${head}abc`)),
              ...Array.from({ length: 20 }, () => raw(port, "POST /v1/predict HTTP/1.1\r\nHost: loc"))
            ],
            { concurrency: "unbounded" }
          )
        )
        const given = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, i) => i),
          (i) => Effect.flatMap(jpeg(i), (bytes) => call(`${url}/v1/predict`, image(bytes, asOperator)))
        )
        assert.isTrue(given.every(({ status }) => status === 200))
        // The server ends each of them: this waits for it.
        const answers = yield* Fiber.join(halves)
        assert.isTrue(answers.every((answer) => answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer)))
        // Gone in the middle.
        yield* Effect.all(
          Array.from({ length: 20 }, () => raw(port, `${head}abc`, { end: true })),
          {
            concurrency: "unbounded"
          }
        )
        assert.strictEqual((yield* call(`${url}/ready`)).status, 200)
      }),
    30_000
  )

  it.live(
    "when it is stopped, requests in flight get their answers, and further ones none",
    () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { model, url } = yield* Scope.provide(openServer(), scope)
        const [begun, go] = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
        model.wait = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go))
        const inFlight = yield* Effect.forkChild(
          Effect.flatMap(jpeg(5), (bytes) => call(`${url}/v1/predict`, image(bytes, asOperator)))
        )
        yield* Deferred.await(begun)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        const refused = yield* Effect.tryPromise(() => fetch(`${url}/health`)).pipe(
          Effect.flatMap(({ status }) => (status === 503 ? Effect.void : Effect.fail("still there"))),
          Effect.catch((error) => (error === "still there" ? Effect.fail(error) : Effect.void)),
          Effect.retry({ times: 200 })
        )
        assert.isUndefined(refused)
        yield* Deferred.succeed(go, undefined)
        const { headers, status } = yield* Fiber.join(inFlight)
        assert.deepStrictEqual([status, headers.get("connection")], [200, "close"])
        yield* Fiber.join(closing)
      }),
    30_000
  )
})
