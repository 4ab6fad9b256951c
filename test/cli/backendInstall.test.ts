import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { vi } from "vitest"
import { wheel } from "../layers/backend/wheel.ts"
import { weft } from "./run.ts"

const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))
let folder: string
let root: string
const run = (...args: ReadonlyArray<string>) => weft(["backend-install", ...args], folder)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-backend-"))
  root = join(folder, "backend")
  vi.stubEnv("WEFT_BACKEND", root)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

describe("weft backend-install", () => {
  it("ends with 2 for flags that exclude each other and for a folder that is not there", async () => {
    const both = await run("--cpu", "--gpu")
    assert.strictEqual(both.code, 2)
    assert.include(both.stderr, "--cpu --gpu: expected one of the two")
    const none = await run("--from", "nowhere")
    assert.strictEqual(none.code, 2)
    assert.include(none.stderr, "there is no nowhere")
    assert.deepStrictEqual(existsSync(root) ? readdirSync(root) : [], [])
  })

  it("removes what it installed, says so as JSON, and says when there is nothing", async () => {
    mkdirSync(join(root, "tensorflow-2.99.0-cpu-00000000"), { recursive: true })
    mkdirSync(join(root, "downloads"))
    writeFileSync(join(root, "mine.txt"), "not Weft's")
    const removed = await run("--uninstall", "--json")
    assert.strictEqual(removed.code, 0)
    assert.deepStrictEqual(JSON.parse(removed.stdout), { root, removed: true })
    assert.deepStrictEqual(readdirSync(root), ["mine.txt"])
    const again = await run("--uninstall")
    assert.strictEqual(again.code, 0)
    assert.include(again.stdout, "There is no TensorFlow backend.")
  })
})

describe.skipIf(process.platform !== "linux")("weft backend-install on Linux", () => {
  it("ends with 4 where TensorFlow is nowhere to be had, and says what was tried and what to do", async () => {
    const { code, stderr, stdout } = await run("--from", "archive", "--archives", "http://127.0.0.1:1", "--json")
    assert.strictEqual(code, 4, stderr)
    assert.strictEqual(stdout, "")
    assert.include(stderr, "127.0.0.1:1")
    assert.include(stderr, "goes on where it stopped")
  })

  it("killed while it fetches, it leaves no backend, and the next try sweeps up after it", async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { "content-length": 9000, etag: '"one"' }).write("a part")
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" ? address?.port : 0
    const child = spawn(process.execPath, [bin, "backend-install", "--from", `http://127.0.0.1:${port}/a.tar.gz`])
    const ended = new Promise((resolve) => child.on("close", resolve))
    await vi.waitUntil(() => existsSync(join(root, "downloads", "a.tar.gz.part")), { timeout: 110_000 })
    child.kill("SIGKILL")
    await ended
    server.closeAllConnections()
    server.close()
    const names = readdirSync(root)
    assert.strictEqual(names.filter((name) => /^\.new-\d+-/.test(name)).length, 1)
    assert.notInclude(names, "current")
    assert.strictEqual((await run("--from", "nowhere")).code, 2)
    assert.deepStrictEqual(readdirSync(root), ["downloads"])
  })

  it.each(["archive.tar.gz", "tensorflow-2.99.0-py3-none-any.whl"])(
    "says that the disk is full where %s does not fit, and leaves nothing of it",
    async (name) => {
      const library = Buffer.alloc(2_000_000)
      const file = join(folder, name)
      mkdirSync(join(folder, "lib"))
      writeFileSync(join(folder, "lib", "libtensorflow.so.2"), library)
      if (name.endsWith(".whl"))
        writeFileSync(file, wheel("tensorflow", "2.99.0", [["lib/libtensorflow.so.2", library]]))
      else execFileSync("tar", ["-czf", file, "-C", folder, "lib"])
      // Files may not become larger than 1 MB: the system refuses what goes beyond, as a full disk does.
      const command = `ulimit -f 1024; exec "$0" "$@"`
      const { status, stderr } = spawnSync(
        "bash",
        ["-c", command, process.execPath, bin, "backend-install", "--from", file],
        { encoding: "utf8" }
      )
      assert.strictEqual(status, 1, stderr)
      assert.include(stderr, "the disk is full")
      assert.deepStrictEqual(readdirSync(root), [])
    }
  )
})
