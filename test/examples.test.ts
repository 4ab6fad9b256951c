import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import sharp from "sharp"
import { draw } from "../src/pipeline/draw.ts"
import { catalogueConfig, writeCatalogue } from "./catalogue.ts"
import { chromium, onPage, openPage, PageFault } from "./chromium.ts"
import { weft } from "./cli/run.ts"
import { pythonWith } from "./python.ts"
import { torchvisionNeeds, torchvisionSays } from "./torchvision.ts"

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const size = { height: 36, width: 40 }
const graph = ["--input", "uint8", "--output", "probabilities"]
const exports = {
  onnx: graph,
  tfjs: graph,
  "saved-model": graph,
  safetensors: ["--names", "torchvision"]
} as const

/** What trains and what is exported is the same for all examples. */
const config = `${catalogueConfig("data").replace(/height = .*\nwidth = .*/, `height = ${size.height}\nwidth = ${size.width}`)}
[network]
name = "mobilenet-v2"
[engine]
name = "wasm"
[calibration]
`

let folder: string
let expected: { readonly label: string; readonly probability: number }

/** A photo of the network's own size: no two programs resize alike. */
const writePhoto = () => {
  const random = draw("examples", "photo")
  const data = Uint8Array.from({ length: size.height * size.width * 3 }, (_, i) =>
    Math.max(0, Math.min(255, [200, 40, 30][i % 3]! + random.between(-30, 30)))
  )
  return sharp(data, { raw: { ...size, channels: 3 } })
    .png()
    .toFile(join(folder, "photo.png"))
}

const command = async (...args: ReadonlyArray<string>) => {
  const { code, stderr, stdout } = await weft(args, folder)
  assert.strictEqual(code, 0, stderr)
  return stdout
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-examples-"))
  await writeCatalogue(join(folder, "data"), 6)
  await writeFile(join(folder, "config.toml"), config)
  await writePhoto()
  await command("train", "--config", "config.toml", "--run", "run")
  for (const [format, flags] of Object.entries(exports))
    await command("export", "--run", "run", "--format", format, ...flags)
  await command("train", "--config", "config.toml", "--set", "network.padding=same", "--run", "same")
  const { predictions } = JSON.parse(await command("predict", "--run", "run", "--json", "photo.png"))
  expected = predictions[0].classes[0]
}, 400_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The example's answer: the run's own class, and its probability to the printed digits. */
const assertAnswer = (output: string) => {
  const [, label, probability] = /(\S+) (\d\.\d+)\s*$/.exec(output) ?? []
  assert.strictEqual(label, expected.label, output)
  assert.closeTo(Number(probability), expected.probability, 2e-4)
}

const run = (program: string, args: ReadonlyArray<string>) =>
  new Promise<string>((resolve, reject) =>
    execFile(program, [...args], { cwd: folder }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(stderr, { cause: error }))
    )
  )

const python = async (program: string | undefined, example: string, format: keyof typeof exports) =>
  assertAnswer(await run(program!, [at(`examples/${example}`), `run/export/${format}`, "photo.png"])) // not run where there is none

const onnx = pythonWith("onnxruntime", "PIL", "numpy")
const tensorflow = pythonWith("tensorflow")
const torch = pythonWith(...torchvisionNeeds)

describe("examples of exported models", () => {
  it("onnx.mjs", async () => {
    assertAnswer(await run(process.execPath, [at("examples/onnx.mjs"), "run/export/onnx", "photo.png"]))
  })
  it("tfjs.mjs", async () => {
    assertAnswer(await run(process.execPath, [at("examples/tfjs.mjs"), "run/export/tfjs", "photo.png"]))
  })
  it.skipIf(!onnx)("onnx.py (Python with onnxruntime and Pillow)", () => python(onnx, "onnx.py", "onnx"))
  it.skipIf(!tensorflow)("saved-model.py (Python with TensorFlow)", () =>
    python(tensorflow, "saved-model.py", "saved-model")
  )
  it.skipIf(!torch)("safetensors-torch.py (Python with torch and torchvision)", async () => {
    assertAnswer((await torchvisionSays(torch!, folder, "run/export/safetensors", "photo.png")).answer) // not run where there is none
  })

  it("a run with TensorFlow's padding reports that with its weights: on the terminal, as JSON and in the file", async () => {
    const flags = ["export", "--run", "same", "--names", "torchvision", "--check", "noise", "--force"]
    const weights = ["--format", "safetensors"]
    const warning = /padding "same": torchvision's mobilenet_v2 .* another model .* examples\/safetensors-torch\.py/
    assert.match(await command(...flags, ...weights), new RegExp(`^WARNING: .*${warning.source}`, "m"))
    const exported = JSON.parse(await command(...flags, ...weights, "--json"))
    assert.match(exported.warnings[0], warning)
    const about = JSON.parse(await readFile(join(folder, "same/export/safetensors/weft.json"), "utf8"))
    assert.deepStrictEqual(about.warnings, exported.warnings)
    assert.strictEqual(about.network.padding, "same")
    // PyTorch's own padding needs no word.
    const quiet = await command("export", "--run", "run", ...weights, "--check", "noise", "--out", "quiet", "--json")
    assert.deepStrictEqual(JSON.parse(quiet).warnings, [])
  }, 120_000)

  it.effect.skipIf(!chromium)("tfjs.html (Chromium)", () =>
    Effect.gen(function* () {
      const page = yield* openPage
      const problems: Array<string> = []
      page.on("pageerror", (error) => problems.push(error.message))
      page.on("requestfailed", (request) => problems.push(`${request.url()}: ${request.failure()?.errorText}`))
      const require = createRequire(import.meta.url)
      const types: Readonly<Record<string, string>> = { ".html": "text/html", ".json": "application/json" }
      const answer = yield* onPage(page, async () => {
        // What the address stands for at the CDN: the file that the package names for it.
        await page.route("https://cdn.jsdelivr.net/npm/**", (route) => {
          const name = /npm\/(.+)@/.exec(route.request().url())?.[1] ?? ""
          const manifest = join(dirname(require.resolve(name)), "..", "package.json")
          const { jsdelivr, version } = JSON.parse(readFileSync(manifest, "utf8"))
          assert.match(route.request().url(), new RegExp(`@${version}$`))
          return route.fulfill({ path: join(dirname(manifest), jsdelivr), contentType: "text/javascript" })
        })
        await page.route("http://shop.test/**", (route) => {
          const path = new URL(route.request().url()).pathname.slice(1)
          return route.fulfill({
            path: join(folder, "site", path),
            contentType: types[extname(path)] ?? "application/octet-stream"
          })
        })
        await cp(join(folder, "run/export/tfjs"), join(folder, "site/model"), { recursive: true })
        await cp(join(folder, "photo.png"), join(folder, "site/photo.png"))
        await cp(at("examples/tfjs.html"), join(folder, "site/tfjs.html"))
        await page.goto("http://shop.test/tfjs.html")
        const paragraph = page.locator("#answer")
        await paragraph.filter({ hasText: /\d/ }).waitFor({ timeout: 60_000 })
        return paragraph.textContent()
      }).pipe(Effect.mapError(({ cause }) => new PageFault({ cause: { problems, cause } })))
      assert.deepStrictEqual(problems, [])
      assertAnswer(answer ?? "")
    })
  )

  it("are about the formats that there are, with what they need inside", async () => {
    for (const format of Object.keys(exports)) {
      const about = JSON.parse(await readFile(join(folder, "run/export", format, "weft.json"), "utf8"))
      assert.deepStrictEqual(about.labels, ["apple", "leaf", "plum"])
      assert.include(about.preprocessing, { ...size, fit: "fill", kernel: "bicubic" })
      assert.strictEqual(about.receipt.ledger.kept, 18)
    }
  })
})
