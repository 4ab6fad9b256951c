import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ChildProcess } from "node:child_process"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Report } from "../../src/metrics/Report.ts"
import { catalogueConfig, writeCatalogue } from "../catalogue.ts"
import { weft } from "./run.ts"

let folder: string
const run = (...args: ReadonlyArray<string>) => weft(args, folder)
const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))

/** Many short epochs: a process that is stopped or killed in the third one has not come to its end. */
const settings = ["--config", "config.toml", "--set", "train.epochs=60", "--set", "train.select=last"]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-integrity-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "config.toml"), `${catalogueConfig("data")}\n[engine]\nname = "wasm"\n`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A process, and what it has said on standard error. */
const start = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] })
  const said = { text: "" }
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.text += text))
  child.stdout.resume()
  return { child, said }
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit")
  return child.exitCode
}

/** When a process has written down its third epoch. */
const inTraining = async ({ child, said }: ReturnType<typeof start>) => {
  while (!/epoch  3\/60/.test(said.text)) {
    await once(child.stderr, "data")
    assert.isNull(child.exitCode, said.text)
  }
}

const filesOf = async (path: string) => {
  const names = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const files = await Promise.all(
    names.map(async ({ name, parentPath }) => {
      const file = join(parentPath, name)
      const { mtimeMs } = await stat(file)
      return [file, `${mtimeMs} ${(await readFile(file)).toString("base64")}`] as const
    })
  )
  return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const weights = (name: string) => readFile(join(folder, name, "model", "model.safetensors"))

describe("a run", () => {
  it("is used by one process at a time, even a stopped one; a killed one does not block it", async () => {
    const whole = await run("train", ...settings, "--run", "whole")
    assert.strictEqual(whole.code, 0, whole.stderr)
    const first = start("train", ...settings, "--run", "twice")
    await inTraining(first)
    first.child.kill("SIGSTOP")
    const pid = first.child.pid
    for (const args of [["--resume"], settings]) {
      const second = await run("train", "--run", "twice", ...args)
      assert.strictEqual(second.code, 2, second.stderr)
      assert.match(second.stderr, new RegExp(`twice: process ${pid} on .* works on this run; wait until it ends`))
      assert.notMatch(second.stderr, /\n\s+at /)
    }
    first.child.kill("SIGKILL")
    assert.isNull(await ended(first.child))
    const resumed = await run("train", "--run", "twice", "--resume")
    assert.strictEqual(resumed.code, 0, resumed.stderr)
    assert.isTrue((await weights("twice")).equals(await weights("whole")))
    assert.notInclude(await readdir(join(folder, "twice")), "run.lock")
  })

  it("that another process has finished since is not changed by the one that wakes", async () => {
    const first = start("train", ...settings, "--run", "woken")
    await inTraining(first)
    first.child.kill("SIGSTOP")
    // As another machine that shares the disk would take it over, which cannot see that the process lives.
    await rm(join(folder, "woken", "run.lock"))
    const second = await run("train", "--run", "woken", "--resume")
    assert.strictEqual(second.code, 0, second.stderr)
    const before = await filesOf(join(folder, "woken"))
    first.child.kill("SIGCONT")
    assert.strictEqual(await ended(first.child), 1)
    assert.match(first.said.text, /another process has taken this run over; this process has changed nothing/)
    assert.deepStrictEqual(await filesOf(join(folder, "woken")), before)
  })

  it("that is finished is not changed by --resume, and its seconds are those of all its processes", async () => {
    const before = await filesOf(join(folder, "whole"))
    const again = await run("train", "--run", "whole", "--resume", "--json")
    assert.strictEqual(again.code, 0, again.stderr)
    assert.match(again.stderr, /the run is finished/)
    const { history, seconds } = Schema.decodeUnknownSync(Schema.fromJsonString(Report))(again.stdout)
    assert.isAbove(
      seconds,
      history.reduce((sum, epoch) => sum + epoch.seconds, 0)
    )
    assert.deepStrictEqual(await filesOf(join(folder, "whole")), before)
  })

  it("is left with a checkpoint and the command to go on where its terminal is closed (SIGHUP)", async () => {
    const first = start("train", ...settings, "--run", "hung")
    await inTraining(first)
    first.child.kill("SIGHUP")
    assert.strictEqual(await ended(first.child), 130)
    assert.match(first.said.text, /To go on: npx pnpm pipeline:train --run hung --resume/)
    assert.isNotEmpty((await readdir(join(folder, "hung", "checkpoints"))).filter((name) => name.startsWith("step-")))
    assert.notInclude(await readdir(join(folder, "hung")), "run.lock")
  })

  it("ends quietly where nobody reads its progress, with a checkpoint", async () => {
    const first = start("train", ...settings, "--run", "piped")
    await inTraining(first)
    first.child.stderr.destroy()
    assert.strictEqual(await ended(first.child), 130)
    assert.notMatch(first.said.text, /EPIPE|fault|\n\s+at /)
    assert.isNotEmpty((await readdir(join(folder, "piped", "checkpoints"))).filter((name) => name.startsWith("step-")))
  })

  it("whose result nobody reads ends quietly, and is finished on disk", async () => {
    const first = start("train", "--run", "piped", "--resume", "--json")
    first.child.stdout.destroy()
    assert.strictEqual(await ended(first.child), 0, first.said.text)
    assert.notMatch(first.said.text, /EPIPE|fault|\n\s+at /)
    assert.isTrue((await weights("piped")).equals(await weights("whole")))
    assert.isTrue(existsSync(join(folder, "piped", "report.html")))
  })
})

describe("a start that fails", () => {
  it.each([
    ["the configuration", 2, ["--set", "image.height=16"]],
    ["the data", 3, ["--set", "data.maxRefused=0"]],
    ["one class", 3, ["--set", 'data.labels=["apple"]']],
    ["the engine", 4, ["--set", "engine.device=gpu"]],
    [
      "early stopping without validation",
      2,
      ["--set", 'data.split={"validation":0,"train":0.8,"test":0.2}', "--set", "train.earlyStopping={}"]
    ]
  ] as const)("for %s is exit code %i, and the mended command trains in the same folder", async (_, code, wrong) => {
    const failed = await run("train", "--config", "config.toml", ...wrong, "--run", "mended")
    assert.strictEqual(failed.code, code, failed.stderr)
    assert.isFalse(existsSync(join(folder, "mended")))
    const mended = await run("train", "--config", "config.toml", "--set", "train.epochs=1", "--run", "mended")
    assert.strictEqual(mended.code, 0, mended.stderr)
    await rm(join(folder, "mended"), { recursive: true })
  })

  it("in a search is out of the mended search's way", async () => {
    const search = (root: string) =>
      `name = "s"\n[[axes]]\npath = "train.learningRate"\nvalues = [0.001, 0.002]\n[base]\n` +
      catalogueConfig(root).replaceAll(/^\[(\w+)\]$/gm, "[base.$1]")
    await writeFile(join(folder, "wrong.toml"), search("nowhere"))
    await writeFile(join(folder, "right.toml"), search("data"))
    const failed = await run("search", "--config", "wrong.toml", "--run", "searched")
    assert.strictEqual(failed.code, 3, failed.stderr)
    const mended = await run("search", "--config", "right.toml", "--run", "searched")
    assert.strictEqual(mended.code, 0, mended.stderr)
    const second = await run("search", "--config", "right.toml", "--run", "searched")
    assert.strictEqual(second.code, 2, second.stderr)
  })

  it.each([["train", "--config", "config.toml", "--run"], ["evaluate", "--run"], ["report"]])(
    "because a file is named for a run's folder says so: %s",
    async (...args) => {
      for (const path of ["config.toml", "config.toml/below"]) {
        const { code, stderr } = await run(...args, path)
        if (path === "config.toml" || args[0] !== "evaluate") {
          assert.strictEqual(code, 2, stderr)
          assert.match(stderr, /config\.toml: this is a file; name a /)
        } else assert.strictEqual(code, 2, stderr)
      }
    }
  )
})
