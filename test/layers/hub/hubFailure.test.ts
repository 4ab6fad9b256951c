import { assert, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Runtime from "effect/Runtime"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"
import { retryAfterOf } from "../../../src/layers/hub/download/request.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { bytes, linked, withHub } from "./hub.ts"

const source = "hf:timm/net.v1"
/** The address of a server that is gone. */
const closed = Effect.scoped(serve(() => {}))
const address = "/timm/net.v1/resolve/main/model.safetensors"

it.live("a refusal says what to do, is not asked again, and never tells the token", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const cases = [
      [401, {}, "notPermitted", "for a private one set HF_TOKEN"],
      [401, { HF_TOKEN: "hf_secret" }, "notPermitted", "the token in HF_TOKEN is not accepted"],
      [403, { HF_TOKEN: "hf_secret" }, "notPermitted", "Agree to its terms at HUB/timm/net.v1"],
      [404, { HF_TOKEN: "hf_secret" }, "missing", "HUB/timm/net.v1/tree/main lists the repository's files"]
    ] as const
    for (const [status, environment, reason, text] of cases) {
      let asked = 0
      const hub = yield* serve((_, response) => {
        asked++
        response.writeHead(status).end()
      })
      const error = yield* Effect.flip(hubFile(source)).pipe(
        withHub({ HF_ENDPOINT: hub, WEFT_CACHE: cache, ...environment })
      )
      assert.strictEqual(error.reason, reason)
      assert.include(error.message, text.replace("HUB", hub))
      assert.include(error.message, `${hub}${address}`)
      assert.include(error.message, String(status))
      assert.notInclude(JSON.stringify(error) + error.message + String(error.stack), "hf_secret")
      assert.strictEqual(error[Runtime.errorExitCode], 2)
      assert.strictEqual(asked, 1)
    }
  })
)

it.live("a hub that is busy is asked again; one that stays so, or is not there, is named with the way around it", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const busy = yield* serve((request, response, count) =>
      count < 3 ? void response.writeHead(503).end() : send(request, response, bytes, { headers: linked })
    )
    const path = yield* hubFile(source).pipe(withHub({ HF_ENDPOINT: busy, WEFT_CACHE: cache }))
    assert.isTrue(readFileSync(path).equals(bytes))
    const limited = yield* serve((_, response) => void response.writeHead(429, { "retry-after": "3600" }).end())
    const other = yield* temporaryFolder
    const tooBusy = yield* Effect.flip(hubFile(source)).pipe(withHub({ HF_ENDPOINT: limited, WEFT_CACHE: other }))
    assert.strictEqual(tooBusy.reason, "unreachable")
    assert.include(tooBusy.message, "answered 429 and asks to wait 3600 s")
    const nowhere = yield* closed
    const gone = yield* Effect.flip(hubFile(source)).pipe(withHub({ HF_ENDPOINT: nowhere, WEFT_CACHE: other }))
    assert.strictEqual(gone.reason, "unreachable")
    assert.strictEqual(gone[Runtime.errorExitCode], 1)
    assert.include(gone.message, "ECONNREFUSED")
    assert.include(gone.message, `fetch ${nowhere}${address} elsewhere and put it at`)
    assert.include(gone.message, join(other, "hub", "timm", "net.v1", "main", "model.safetensors"))
    assert.include(gone.message, 'network.weights = "FOLDER/model.safetensors"')
  })
)

it.effect("a server that says how long to wait is not asked before", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    let asked = 0
    const hub = yield* serve((request, response, count) => {
      asked++
      if (count === 0) return void response.writeHead(429, { "retry-after": "7" }).end()
      send(request, response, bytes, { headers: linked })
    })
    const waits = yield* Deferred.make<string>()
    const fiber = yield* hubFile(source).pipe(
      Effect.provideService(Progress, (event) =>
        event._tag === "Note" ? Deferred.succeed(waits, event.line) : Effect.void
      ),
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { HF_ENDPOINT: hub, WEFT_CACHE: cache } })
      ),
      Effect.forkChild
    )
    assert.strictEqual(yield* Deferred.await(waits), "timm/net.v1: the server asks to wait 7 s")
    yield* TestClock.adjust("6900 millis")
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)))
    assert.strictEqual(asked, 1)
    yield* TestClock.adjust("200 millis")
    assert.isTrue(readFileSync(yield* Fiber.join(fiber)).equals(bytes))
    assert.strictEqual(asked, 2)
  })
)

it("the wait is read in seconds, and as a date by the server's own clock", () => {
  const date = "Wed, 21 Oct 2026 07:28:00 GMT"
  assert.strictEqual(retryAfterOf(new Headers({ "retry-after": "120" })), 120_000)
  assert.strictEqual(retryAfterOf(new Headers({ "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", date })), 30_000)
  assert.strictEqual(retryAfterOf(new Headers({ "retry-after": "Wed, 21 Oct 2026 07:27:30 GMT", date })), 0)
  assert.isUndefined(retryAfterOf(new Headers({ "retry-after": "soon" })))
  assert.isUndefined(retryAfterOf(new Headers()))
})

it.live("offline, what is not there is named with its place, and a file that is put there is taken", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const environment = { HF_ENDPOINT: yield* closed, WEFT_CACHE: cache, HF_HUB_OFFLINE: "yes" }
    const error = yield* Effect.flip(hubFile(source)).pipe(withHub(environment))
    assert.strictEqual(error.reason, "offline")
    const place = /put it at (\S+), or/.exec(error.message)?.[1] ?? ""
    assert.isTrue(place.startsWith(cache))
    const online = yield* Effect.flip(hubFile(source)).pipe(withHub({ ...environment, HF_HUB_OFFLINE: "0" }))
    assert.strictEqual(online.reason, "unreachable") // and the folder is there by now
    writeFileSync(place, bytes)
    assert.strictEqual(yield* hubFile(source).pipe(withHub(environment)), place)
  })
)

it.live("names that no hub has, and settings that cannot be, are refused without a request", () =>
  Effect.gen(function* () {
    for (const name of [
      "hf:",
      "hf:net",
      "hf:a/../b",
      "hf:../b",
      "hf:a/b/c.bin",
      "hf:a/b@",
      "hf:a/b@c@d",
      "hf:a/b/../c.safetensors",
      "hf:a/b@..",
      "hf:a b/c"
    ]) {
      const error = yield* Effect.flip(hubFile(name)).pipe(withHub({ WEFT_CACHE: "nowhere" }))
      assert.strictEqual(error.reason, "invalidName", name)
    }
    for (const environment of [
      { HF_ENDPOINT: "hub.example" },
      { HF_ENDPOINT: "https://me:pass@hub.example" },
      { HF_TOKEN: "hf_se\ncret" }
    ]) {
      const error = yield* Effect.flip(hubFile(source)).pipe(withHub({ WEFT_CACHE: "nowhere", ...environment }))
      assert.strictEqual(error.reason, "settings")
      assert.notMatch(error.message, /cret|pass@/)
      assert.match(error.message, "HF_TOKEN" in environment ? /HF_TOKEN/ : /HF_ENDPOINT/)
    }
  })
)

it.live("a cache that cannot be written is named", () =>
  Effect.gen(function* () {
    const file = join(yield* temporaryFolder, "file")
    writeFileSync(file, "")
    const error = yield* Effect.flip(hubFile(source)).pipe(withHub({ HF_ENDPOINT: yield* closed, WEFT_CACHE: file }))
    assert.strictEqual(error.reason, "failed")
    assert.include(error.message, file)
  })
)
