/** The package as its users have it: packed, installed by npm and by pnpm into an empty folder, and used there. */
import { assert, describe, it } from "@effect/vitest"
import { spawn, spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll } from "vitest"
import type { Report } from "../../src/metrics/Report.ts"
import { nodeOf } from "../layers/nodes/majorVersion.ts"
import manifest from "../../package.json" with { type: "json" }

const repository = fileURLToPath(new URL("../..", import.meta.url))

/** The Node that runs the tests, and none of the repository's programs; npm's own settings for a script are not passed on. */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:npm_|pnpm_|PNPM_|VITEST|NODE_ENV)/.test(name) || name === "npm_config_registry"
    )
  ),
  PATH: [
    dirname(process.execPath),
    ...(process.env["PATH"] ?? "").split(delimiter).filter((path) => !path.startsWith(repository))
  ].join(delimiter),
  CI: "1",
  npm_config_yes: "true",
  npm_config_update_notifier: "false"
}

/** Runs a program to its end; fails with what it wrote where it fails. */
const run = (folder: string, program: string, ...args: ReadonlyArray<string>) =>
  new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    let errors = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
    child.on("error", reject)
    child.on("close", (code) =>
      code === 0
        ? resolve(output)
        : reject(new Error(`${program} ${args.join(" ")}: exit code ${code}\n${output}\n${errors}`))
    )
  })

const isOnline =
  spawnSync(
    "npm",
    ["view", `effect@${manifest.devDependencies.effect}`, "version", "--fetch-retries=0", "--fetch-timeout=20000"],
    { env, cwd: tmpdir() }
  ).status === 0
if (!isOnline)
  console.warn("test/package: the npm registry is not reachable; the tests of the installed package are skipped")

const megabytes = (folder: string) =>
  globSync("**/*", { cwd: folder, withFileTypes: true }).reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0
  ) / 1e6

describe.skipIf(!isOnline)("the package", { timeout: 300_000 }, () => {
  let root = ""
  let tarball = ""

  /** An empty project with files of a consumer's and these dependencies of its own. */
  const project = (name: string, devDependencies: Readonly<Record<string, string>>) => {
    const folder = join(root, name)
    mkdirSync(folder)
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({
        name,
        private: true,
        type: "module",
        dependencies: { "weft-ml": `file:${tarball}` },
        devDependencies
      })
    )
    return folder
  }

  const train = ["train", "--run", "first", "--json", "--set", "data.sample.images=200", "--set", "train.epochs=1"]

  const checkRun = (folder: string, output: string) => {
    const report: unknown = JSON.parse(output)
    assert.isTrue(existsSync(join(folder, "first", "report.html")))
    assert.deepStrictEqual(report, JSON.parse(readFileSync(join(folder, "first", "report.json"), "utf8")))
  }

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "weft-package-"))
    await run(repository, "npm", "pack", "--pack-destination", root)
    tarball = join(root, `weft-ml-${manifest.version}.tgz`)
  }, 300_000)
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  it("has less than 2 MB, with its licence and readme", async () => {
    assert.isBelow(statSync(tarball).size, 2e6)
    const files = (await run(root, "tar", "-tzf", tarball)).split("\n")
    assert.includeMembers(
      files,
      [
        "LICENSE",
        "README.md",
        "package.json",
        "configs/quick.toml",
        "dist/bin.js",
        "dist/public/weft.d.ts",
        "dist/layers/features/amx/native/amx.cc",
        "dist/layers/exportReaders/saved_model.py"
      ].map((file) => `package/${file}`)
    )
    assert.isEmpty(files.filter((file) => /^package\/(?:src|test|bench|node_modules|runs)\//.test(file)))
  })

  it("installed by npm: trains, and says how to get what it lacks", async () => {
    const folder = project("with-npm", {})
    await run(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
    console.log(
      `test/package: ${(statSync(tarball).size / 1e6).toFixed(2)} MB packed, ${megabytes(join(folder, "node_modules")).toFixed(0)} MB installed by npm`
    )
    checkRun(folder, await run(folder, "npx", "weft", ...train))
    const doctor = await run(folder, "npx", "weft-ml", "doctor")
    assert.match(
      doctor,
      /webgpu +not available: its packages are not installed\. Install them: npm install [^\n]*webgpu@/
    )
    assert.match(
      doctor,
      /onnxruntime not available: onnxruntime-node is not installed\. Install it: npm install [^\n]*onnxruntime-node@/
    )
    assert.match(
      doctor,
      /tensorflow +not available: .*npm install [^\n]*tfjs-node-gpu@[^\n]* && npx weft-ml backend-install/
    )
    const failed = await run(folder, "npx", "weft", "train", "--set", "engine.name=webgpu").then(() => "", String)
    assert.match(failed, /exit code 4\n[^]*npm install [^\n]*webgpu@/)
  })

  it("runs on each Node that is at hand, with the same losses", async () => {
    const folder = join(root, "with-npm")
    const losses = new Map<string, unknown>()
    for (const version of ["22.19.0", process.versions.node, "26.10.0"]) {
      const node = nodeOf(version)
      if ("missing" in node) console.warn(`test/package: not tried on Node ${version}: ${node.missing}`)
      else {
        const bin = join(folder, "node_modules/weft-ml/dist/bin.js")
        const report = JSON.parse(await run(folder, node.path, bin, ...train.with(2, version))) as Report // as Weft prints it
        losses.set(
          version,
          report.history.map(({ trainLoss }) => trainLoss)
        )
        assert.strictEqual(report.receipt.versions["node"], version)
      }
    }
    assert.strictEqual(new Set([...losses.values()].map((value) => JSON.stringify(value))).size, 1)
  })

  it("says on an older Node which one it needs", async () => {
    const node = nodeOf("20.19.0")
    if ("missing" in node) return console.warn(`test/package: not tried on Node 20: ${node.missing}`)
    const bin = join(root, "with-npm", "node_modules/weft-ml/dist/bin.js")
    const failed = await run(root, node.path, bin, "--help").then(() => "", String)
    assert.match(failed, /exit code 1\n\s*Weft needs Node 22\.19 or later, and this is 20\.19\.0\./)
  })

  it("in a project of one's own: its types hold without skipLibCheck, and a stage of one's own runs in vitest", async () => {
    const { "@types/node": types, vitest } = manifest.devDependencies
    const folder = project("consumer", {
      "@types/node": types,
      typescript: manifest.devDependencies.typescript,
      vitest
    })
    cpSync(join(repository, "test/package/consumer"), folder, { recursive: true })
    await run(folder, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
    await run(folder, "npx", "tsc")
    await run(folder, "npx", "vitest", "run")
  })

  it("installed by pnpm: trains", async () => {
    const folder = project("with-pnpm", {})
    await run(folder, "npx", "pnpm", "install", "--ignore-scripts")
    checkRun(folder, await run(folder, "npx", "pnpm", "exec", "weft", ...train))
  })
})
