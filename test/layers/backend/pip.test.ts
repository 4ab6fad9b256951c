import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { AddonSources } from "../../../src/layers/backend/compile.ts"
import { installBackend } from "../../../src/layers/backend/install.ts"
import { nvidiaRequirements } from "../../../src/layers/backend/pip.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { withEnvironment } from "./environment.ts"
import { send, serve } from "../hub/download/server.ts"
import { makeSmallTensorflow } from "./smallTensorflow.ts"
import { wheel } from "./wheel.ts"

const works = (program: string, ...args: ReadonlyArray<string>) => spawnSync(program, args).status === 0
const canRun = process.platform === "linux" && works("g++", "--version") && works("python3", "-m", "pip", "--version")
const platform = `manylinux_2_17_${process.arch === "arm64" ? "aarch64" : "x86_64"}`
let made: string

/** An index of wheels as pip reads it (PEP 503) on this machine, and pip's settings for it alone. */
const serveIndex = Effect.fnUntraced(function* (
  wheels: Readonly<Record<string, Uint8Array>>,
  hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
) {
  const asked: Array<string> = []
  const address = yield* serve((request, response) => {
    const url = request.url ?? ""
    asked.push(url)
    const project = /^\/simple\/([^/]+)\/$/.exec(url)?.[1]?.replaceAll("-", "_")
    if (project === undefined) return send(request, response, wheels[url.slice("/files/".length)] ?? new Uint8Array())
    const links = Object.entries(wheels)
      .filter(([file]) => file.startsWith(`${project}-`))
      .map(([file, bytes]) => `<a href="/files/${file}#sha256=${hashOf(bytes)}">${file}</a>`)
    response.writeHead(200, { "content-type": "text/html" }).end(`<!DOCTYPE html><html><body>${links}</body></html>`)
  })
  yield* withEnvironment({
    PIP_CONFIG_FILE: "/dev/null",
    PIP_INDEX_URL: `${address}/simple`,
    PIP_EXTRA_INDEX_URL: undefined,
    PIP_FIND_LINKS: undefined,
    PIP_CACHE_DIR: join(yield* temporaryFolder, "cache")
  })
  return asked
})

const install = (root: string, variant: "cpu" | "gpu", sources = "binding") =>
  installBackend({ root, variant, from: "pip", version: "2.99.0", sha256: undefined, archives: "", force: false }).pipe(
    Effect.provideService(AddonSources, join(made, sources))
  )

const headers = ["eager/c_api.h", "interface.h", "kernels.h", "ops.h", "tf_status.h", "tf_tensor.h"]

/** The small TensorFlow as its wheel has it. */
const tensorflowFiles = (name: "libtensorflow" | "libtensorflow-gpu") => {
  const read = (path: string) => readFileSync(join(made, name, path))
  const file = (path: string, from: string) => [path, read(from)] as const
  return [
    file("tensorflow/libtensorflow.so.2", "lib/libtensorflow.so.2"),
    file("tensorflow/libtensorflow_framework.so.2", "lib/libtensorflow_framework.so.2"),
    ...headers.map((path) => file(`tensorflow/include/tensorflow/c/${path}`, `include/tensorflow/c/${path}`)),
    file("tensorflow/__init__.py", "include/unrelated.py")
  ]
}

describe.skipIf(!canRun)("TensorFlow by pip", () => {
  beforeAll(() => {
    made = mkdtempSync(join(tmpdir(), "weft-tensorflow-"))
    makeSmallTensorflow(made)
  })
  afterAll(() => rmSync(made, { recursive: true, force: true }))

  it.live("for a GPU, the wheel and the NVIDIA wheels that it names come together, without their Python", () =>
    Effect.gen(function* () {
      const library = Buffer.from("a library of NVIDIA's")
      yield* serveIndex({
        [`tensorflow-2.99.0-py3-none-${platform}.whl`]: wheel(
          "tensorflow",
          "2.99.0",
          tensorflowFiles("libtensorflow-gpu"),
          ['nvidia-small-cu12<13,>=12.1; extra == "and-cuda"', "numpy>=1.26"]
        ),
        [`nvidia_small_cu12-12.4-py3-none-${platform}.whl`]: wheel("nvidia_small_cu12", "12.4", [
          ["nvidia/small/lib/libsmall.so.12", library],
          ["nvidia/small/__init__.py", Buffer.from("raise SystemExit(1)")]
        ])
      })
      const root = yield* temporaryFolder
      const { backend } = yield* install(root, "gpu")
      assert.deepStrictEqual(backend, { version: "2.99.0", variant: "gpu", source: "pip" })
      const folder = realpathSync(join(root, "current"))
      assert.isTrue(readFileSync(join(folder, "nvidia/small/lib/libsmall.so.12")).equals(library))
      assert.isTrue(existsSync(join(folder, "tfjs_binding.node")))
      const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      assert.deepStrictEqual(
        files.filter((file) => /\.py$|dist-info/.test(file)),
        []
      )
      assert.strictEqual(readdirSync(root).length, 2)
    })
  )

  it.live("a wheel that is not what its index publishes is refused, by pip", () =>
    Effect.gen(function* () {
      const bytes = wheel("tensorflow_cpu", "2.99.0", tensorflowFiles("libtensorflow"))
      yield* serveIndex({ [`tensorflow_cpu-2.99.0-py3-none-${platform}.whl`]: bytes }, () => "0".repeat(64))
      const root = yield* temporaryFolder
      const error = yield* Effect.flip(install(root, "cpu"))
      assert.strictEqual(error.reason, "damaged", error.message)
      assert.deepStrictEqual(readdirSync(root), ["downloads"])
    })
  )

  it.live("a library that is not what its wheel's own record says is refused", () =>
    Effect.gen(function* () {
      const files = tensorflowFiles("libtensorflow")
      const other = files.map(([path, bytes]) => [path, path.endsWith("w.so.2") ? Buffer.from("x") : bytes] as const)
      const bytes = wheel("tensorflow_cpu", "2.99.0", other, [], files)
      yield* serveIndex({ [`tensorflow_cpu-2.99.0-py3-none-${platform}.whl`]: bytes })
      const root = yield* temporaryFolder
      const error = yield* Effect.flip(install(root, "cpu"))
      assert.include(error.message, "libtensorflow.so.2")
      assert.deepStrictEqual(readdirSync(root), ["downloads"])
      // Or the next try would find it again.
      assert.deepStrictEqual(readdirSync(join(root, "downloads")), [])
    })
  )

  it.live("a wheel that an earlier try fetched is not fetched again", () =>
    Effect.gen(function* () {
      const file = `tensorflow_cpu-2.99.0-py3-none-${platform}.whl`
      const asked = yield* serveIndex({ [file]: wheel("tensorflow_cpu", "2.99.0", tensorflowFiles("libtensorflow")) })
      const root = yield* temporaryFolder
      const failed = yield* Effect.flip(install(root, "cpu", "no sources"))
      assert.include(failed.message, "does not compile")
      yield* install(root, "cpu")
      assert.strictEqual(asked.filter((url) => url === `/files/${file}`).length, 1)
    })
  )
})

it("the NVIDIA wheels are read from the wheel's metadata, whatever their versions", () => {
  assert.deepStrictEqual(
    nvidiaRequirements(
      [
        "Name: tensorflow",
        "Requires-Dist: numpy>=1.26.0",
        'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
        "Requires-Dist: nvidia-nccl-cu12<3.0,>=2.27.7 ; extra == 'and-cuda'",
        'Requires-Dist: nvidia-other; extra == "docs"'
      ].join("\n")
    ),
    ["nvidia-cublas-cu12<13.0,>=12.5.3.2", "nvidia-nccl-cu12<3.0,>=2.27.7"]
  )
})
