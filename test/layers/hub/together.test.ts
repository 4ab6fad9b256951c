import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { send, serve } from "./download/server.ts"
import { bytes, linked, withHub } from "./hub.ts"

const source = "hf:timm/net.v1"
const script = fileURLToPath(new URL("fetching.ts", import.meta.url))

/** A process that is ready to fetch, and begins when it is told to; gives what it printed at its end. */
const fetching = (environment: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly begin: Effect.Effect<string>; readonly kill: () => void }>((resume) => {
    const child = spawn(process.execPath, [script, source], {
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "inherit"]
    })
    let output = ""
    const ended = new Promise<string>((resolve) => child.on("close", () => resolve(output.split("\n")[1] ?? "")))
    const begin = Effect.promise(() => {
      child.stdin.write("go\n")
      return ended
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text
      resume(Effect.succeed({ begin, kill: () => child.kill("SIGKILL") }))
    })
  })

it.live("fibers and processes that want the same at once fetch it once", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    let asked = 0
    const hub = yield* serve((request, response) => {
      asked++
      // The others come while this is on its way.
      setTimeout(() => send(request, response, bytes, { headers: linked }), 300)
    })
    const environment = { HF_ENDPOINT: hub, WEFT_CACHE: cache }
    const ready = yield* Effect.all([fetching(environment), fetching(environment)], { concurrency: 2 })
    const processes = ready.map(({ begin }) => begin)
    const fibers = [1, 2, 3].map(() => hubFile(source).pipe(withHub(environment)))
    const paths = yield* Effect.all([...processes, ...fibers], { concurrency: "unbounded" })
    assert.strictEqual(new Set(paths).size, 1)
    assert.isTrue(readFileSync(paths[0]!).equals(bytes))
    assert.strictEqual(asked, 1)
    assert.deepStrictEqual(readdirSync(join(paths[0]!, "..")), ["model.safetensors"])
  })
)

it.live("what a killed process leaves, part and lock, is taken over by the next one", () =>
  Effect.gen(function* () {
    const cache = yield* temporaryFolder
    const folder = join(cache, "hub", "timm", "net.v1", "main")
    const part = join(folder, "model.safetensors.part")
    const ranges: Array<string | undefined> = []
    const hub = yield* serve((request, response, count) => {
      ranges.push(request.headers.range)
      if (count > 0) return send(request, response, bytes, { headers: linked })
      response.writeHead(200, { "content-length": bytes.length, etag: '"one"', ...linked })
      response.write(bytes.subarray(0, 90_000))
    })
    const environment = { HF_ENDPOINT: hub, WEFT_CACHE: cache }
    const { begin, kill } = yield* fetching(environment)
    const first = yield* Effect.forkChild(begin)
    while (!existsSync(part) || statSync(part).size < 90_000) yield* Effect.sleep("10 millis")
    kill()
    assert.strictEqual(yield* Fiber.join(first), "")
    assert.deepStrictEqual(readdirSync(folder).sort(), [
      "model.safetensors.lock",
      "model.safetensors.part",
      "model.safetensors.part.tag"
    ])
    const path = yield* hubFile(source).pipe(withHub(environment))
    assert.isTrue(readFileSync(path).equals(bytes))
    assert.deepStrictEqual(ranges, [undefined, "bytes=90000-"])
    assert.deepStrictEqual(readdirSync(folder), ["model.safetensors"])
  })
)
