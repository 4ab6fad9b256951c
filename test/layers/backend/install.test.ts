import { afterAll, assert, beforeAll, describe, it, vi } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Runtime from "effect/Runtime"
import { execFileSync, spawnSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { kernelsName } from "../../../src/layers/engines/tensorflow/kernelsName.ts"
import { readInstalled } from "../../../src/layers/backend/BackendFolder.ts"
import { AddonSources } from "../../../src/layers/backend/compile.ts"
import type { InstallOptions } from "../../../src/layers/backend/install.ts"
import { installBackend } from "../../../src/layers/backend/install.ts"
import { uninstallBackend } from "../../../src/layers/backend/uninstall.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { withEnvironment } from "./environment.ts"
import { send, serve } from "../hub/download/server.ts"
import { makeSmallTensorflow } from "./smallTensorflow.ts"

const canCompile = process.platform === "linux" && spawnSync("g++", ["--version"]).status === 0
let made: string

const install = (root: string, options: Partial<InstallOptions> = {}) =>
  installBackend({
    root,
    variant: undefined,
    from: join(made, "libtensorflow"),
    version: undefined,
    sha256: undefined,
    archives: "http://127.0.0.1:1",
    force: false,
    ...options
  }).pipe(Effect.provideService(AddonSources, join(made, "binding")))

/** pip that finds nothing: its index has no wheels. */
const noPip = (address: string) =>
  withEnvironment({
    PIP_CONFIG_FILE: "/dev/null",
    PIP_INDEX_URL: `${address}/simple`,
    PIP_EXTRA_INDEX_URL: undefined,
    PIP_FIND_LINKS: undefined
  })

describe.skipIf(!canCompile)("the installation of TensorFlow", { timeout: 600_000 }, () => {
  beforeAll(() => {
    made = mkdtempSync(join(tmpdir(), "weft-tensorflow-"))
    // To compile for speed takes a minute, and is seen once below.
    writeFileSync(join(made, "g++"), '#!/bin/sh\nexec g++ "$@" -O0\n', { mode: 0o755 })
    vi.stubEnv("CXX", join(made, "g++"))
    makeSmallTensorflow(made)
    execFileSync("tar", ["-czf", join(made, "cpu.tar.gz"), "-C", join(made, "libtensorflow"), "include", "lib"])
  })
  afterAll(() => {
    vi.unstubAllEnvs()
    rmSync(made, { recursive: true, force: true })
  })

  it.live("from a folder: it is put in place whole, once, anew when forced, and removed without a trace", () =>
    Effect.gen(function* () {
      const root = join(yield* temporaryFolder, "backend")
      const first = yield* install(root)
      assert.deepStrictEqual(first, {
        backend: { version: "2.99.0", variant: "cpu", source: join(made, "libtensorflow") },
        changed: true
      })
      const folder = realpathSync(join(root, "current"))
      assert.deepStrictEqual(readdirSync(root).length, 2)
      assert.isTrue(existsSync(join(folder, "tfjs_binding.node")))
      assert.isFalse(existsSync(join(folder, "include", "unrelated.py")))

      assert.isFalse((yield* install(root)).changed)
      assert.strictEqual(realpathSync(join(root, "current")), folder)
      assert.isTrue(existsSync(join(folder, kernelsName())))
      assert.isTrue((yield* install(root, { force: true })).changed)
      assert.notStrictEqual(realpathSync(join(root, "current")), folder)
      assert.deepStrictEqual(readdirSync(root).length, 2)

      writeFileSync(join(root, "mine.txt"), "not Weft's")
      assert.isTrue(yield* uninstallBackend(root))
      assert.deepStrictEqual(readdirSync(root), ["mine.txt"])
      rmSync(join(root, "mine.txt"))
      assert.isFalse(yield* uninstallBackend(root))
      assert.isFalse(existsSync(root))
    })
  )

  it.live("from other sources of the addons: they are compiled again, and no library is fetched", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const file = join(yield* temporaryFolder, "cpu.tar.gz")
      copyFileSync(join(made, "cpu.tar.gz"), file)
      const { backend } = yield* install(root, { from: file })
      rmSync(file)
      const before = realpathSync(join(root, "current"))
      renameSync(join(before, kernelsName()), join(before, "kernels-of-another-version.node"))
      assert.deepStrictEqual(yield* install(root, { from: undefined }), { backend, changed: true })
      const after = realpathSync(join(root, "current"))
      assert.include(readdirSync(after), kernelsName())
      assert.notInclude(readdirSync(after), "kernels-of-another-version.node")
      assert.isFalse(existsSync(before))
    })
  )

  it.live("from the archive, over a connection that is cut; a library with CUDA is known as one", () =>
    Effect.gen(function* () {
      yield* withEnvironment({ CXX: undefined })
      const gpu = join(made, "libtensorflow-gpu")
      execFileSync("tar", ["-czf", join(made, "gpu.tar.gz"), "-C", gpu, "include", "lib"])
      const asked: Array<string | undefined> = []
      const archives = yield* serve((request, response, count) => {
        asked.push(request.url)
        send(request, response, readFileSync(join(made, "gpu.tar.gz")), count === 0 ? { upTo: 1000 } : {})
      })
      const root = yield* temporaryFolder
      const { backend } = yield* install(root, { from: "archive", archives, variant: "gpu", version: "2.99.0" })
      assert.deepStrictEqual(backend, { version: "2.99.0", variant: "gpu", source: "archive" })
      assert.match(asked[0] ?? "", /^\/2\.99\.0\/libtensorflow-gpu-linux-(x86_64|aarch64)\.tar\.gz$/)
      assert.strictEqual(asked.length, 2)
      assert.isFalse(existsSync(join(root, "downloads")))
    })
  )

  it.live("what could not be reached is said, each with its reason; the backend that was there stays in use", () =>
    Effect.gen(function* () {
      const archives = yield* serve((_, response) => void response.writeHead(404).end())
      yield* noPip(archives)
      const root = yield* temporaryFolder
      yield* install(root)
      const before = readInstalled(root)
      const error = yield* Effect.flip(install(root, { from: undefined, variant: "gpu", archives }))
      assert.include(error.message, "pip")
      assert.include(error.message, "404")
      assert.include(error.message, "--from")
      assert.strictEqual(error[Runtime.errorExitCode], 4)
      assert.deepStrictEqual(readInstalled(root), before)
      assert.deepStrictEqual(
        readdirSync(root).filter((name) => name.startsWith(".")),
        []
      )
    })
  )

  it.live("an archive with another hash, or one that was cut off, is refused, and nothing is put in place", () =>
    Effect.gen(function* () {
      const whole = readFileSync(join(made, "cpu.tar.gz"))
      const address = yield* serve((request, response) =>
        send(request, response, request.url === "/cut.tar.gz" ? whole.subarray(0, whole.length / 2) : whole)
      )
      const root = yield* temporaryFolder
      const wrong = yield* Effect.flip(install(root, { from: `${address}/a.tar.gz`, sha256: "0".repeat(64) }))
      assert.strictEqual(wrong.reason, "damaged")
      const cut = yield* Effect.flip(install(root, { from: `${address}/cut.tar.gz` }))
      assert.strictEqual(cut.reason, "damaged", cut.message)
      assert.isUndefined(readInstalled(root))
      assert.deepStrictEqual(
        readdirSync(root).filter((name) => name !== "downloads"),
        []
      )
    })
  )

  it.live("without a compiler nothing is fetched, and the package to install is named", () =>
    Effect.gen(function* () {
      yield* withEnvironment({ PATH: join(made, "nothing"), CXX: undefined })
      let asked = 0
      const archives = yield* serve((_, response) => {
        asked++
        response.writeHead(404).end()
      })
      const error = yield* Effect.flip(install(yield* temporaryFolder, { from: "archive", archives }))
      assert.strictEqual(error.reason, "noCompiler")
      assert.include(error.message, "apt-get install g++")
      assert.strictEqual(asked, 0)
    })
  )

  it.live("a library that does not run here is not put in place", () =>
    Effect.gen(function* () {
      const root = yield* temporaryFolder
      const broken = join(yield* temporaryFolder, "libtensorflow")
      execFileSync("cp", ["-r", join(made, "libtensorflow"), broken])
      execFileSync("g++", ["-shared", "-o", join(broken, "lib", "libtensorflow.so.2"), "-x", "c++", "/dev/null"])
      const error = yield* Effect.flip(install(root, { from: broken }))
      assert.include(error.message, "do not run here")
      assert.deepStrictEqual(readdirSync(root), [])
    })
  )

  it.live("an interruption leaves the part that was fetched alone, and a killed try is swept away by the next", () =>
    Effect.gen(function* () {
      const whole = readFileSync(join(made, "cpu.tar.gz"))
      const address = yield* serve((request, response, count) => {
        if (count > 0) return send(request, response, whole)
        response.writeHead(200, { "content-length": whole.length, etag: '"one"' }).write(whole.subarray(0, 500))
      })
      const root = yield* temporaryFolder
      // The number of a process that is no more.
      const gone = spawnSync("true").pid
      mkdirSync(join(root, `.new-${gone}-abc`))
      const fiber = yield* Effect.forkChild(install(root, { from: `${address}/a.tar.gz` }))
      while (!existsSync(join(root, "downloads", "a.tar.gz.part"))) yield* Effect.sleep("10 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(readdirSync(root), ["downloads"])
      assert.isTrue((yield* install(root, { from: `${address}/a.tar.gz` })).changed)
    })
  )

  it.live("a folder that is not there is a wrong command line", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(install(yield* temporaryFolder, { from: join(made, "none") }))
      assert.strictEqual(error[Runtime.errorExitCode], 2)
    })
  )
})
