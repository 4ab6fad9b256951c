import { NodeServices } from "@effect/platform-node"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { mkdir, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import { readConfig } from "../../src/cli/readConfig.ts"
import { draw } from "../../src/pipeline/draw.ts"
import { weft } from "./run.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-begin-"))
const run = (...args: ReadonlyArray<string>) => weft(args, folder)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const colours = { cap: [200, 40, 40], scarf: [40, 200, 40], sock: [40, 40, 200] }

beforeAll(async () => {
  for (const [kind, colour] of Object.entries(colours)) {
    await mkdir(join(folder, "photos", kind), { recursive: true })
    for (let i = 0; i < 8; i++) {
      const random = draw("begin test", kind, i)
      const pixels = Uint8Array.from({ length: 50 * 60 * 3 }, (_, at) => (colour[at % 3] ?? 0) + random.below(50))
      await sharp(pixels, { raw: { width: 50, height: 60, channels: 3 } })
        .png()
        .toFile(join(folder, "photos", kind, `${i}.png`))
    }
  }
})

const quick = ["--epochs", "1", "--size", "48", "--set", "engine.name=wasm"]
const json = (...path: ReadonlyArray<string>) => JSON.parse(readFileSync(join(folder, ...path), "utf8"))

describe("train PATH", () => {
  it("says what it took, trains, and its run goes on and can be trained longer", async () => {
    const first = await run("train", "photos", ...quick, "--run", "runs/first")
    assert.strictEqual(first.code, 0, first.stderr)
    const [taken = "", defaults = ""] = first.stderr.split("\n")
    assert.strictEqual(taken, "class folders; 3 classes; 24 images")
    assert.match(defaults, /^simple-cnn, at 48x48, 1 epoch: /)
    const config = json("runs", "first", "config.json")
    assert.strictEqual(config.data.root, join(folder, "photos"))
    assert.strictEqual(config.data.minPerClass, 5)
    // From another working directory, with the paths of the run.
    const again = await weft(["verify", "--run", join(folder, "runs", "first"), "--json"], tmpdir())
    assert.strictEqual(again.code, 0, again.stderr)
    const longer = await run("train", "--resume", "--epochs", "2", "--json")
    assert.strictEqual(longer.code, 0, longer.stderr)
    assert.match(longer.stderr, /^run runs\/first, the newest$/m)
    assert.match(longer.stderr, /2 epochs instead of 1: the schedule one-cycle spans all epochs/)
    assert.deepStrictEqual(
      JSON.parse(longer.stdout).history.map(({ epoch }: { epoch: number }) => epoch),
      [1, 2]
    )
    const verified = await run("verify", "--run", "runs/first", "--json")
    assert.strictEqual(verified.code, 0, verified.stderr)
  })

  it("starts another run from its weights, with its head", async () => {
    const second = await run(
      "train",
      "photos",
      ...quick,
      "--set",
      "network.weights=runs/first",
      "--run",
      "second",
      "--json"
    )
    assert.strictEqual(second.code, 0, second.stderr)
    assert.match(second.stderr, /^simple-cnn with the weights .*runs\/first, all of it trained, at 48x48/m)
    assert.strictEqual(json("second", "config.json").network.weights, join(folder, "runs", "first"))
    // What the first one has learned is there before the first step.
    const [before, after] = [json("runs", "first", "report.json"), JSON.parse(second.stdout)]
    assert.isBelow(after.history[0].trainLoss, before.history[0].trainLoss)
    const verified = await run("verify", "--run", "second", "--json")
    assert.strictEqual(verified.code, 0, verified.stderr)
    const other = await run("train", "photos", ...quick, "--set", "network.weights=runs/first", "--network", "resnet18")
    assert.strictEqual(other.code, 2)
    assert.match(
      other.stderr,
      /they are a run's of simple-cnn, and this one trains resnet18\. Set --network to "simple-cnn"/
    )
  })

  it("is what the file of init trains, which is not overwritten", async () => {
    await mkdir(join(folder, "configs"))
    const written = await run("init", "photos", "--size", "48", "--epochs", "1", "--out", "configs/photos.toml")
    assert.strictEqual(written.code, 0, written.stderr)
    assert.match(
      written.stdout,
      /\nwrote configs\/photos\.toml\nnpx pnpm pipeline:train --config configs\/photos\.toml\n$/
    )
    const text = readFileSync(join(folder, "configs", "photos.toml"), "utf8")
    const [, schema = ""] = /^#:schema (\S+)\n/.exec(text) ?? []
    assert.isTrue(existsSync(new URL(schema)), schema)
    assert.match(text, /\n# Times that every training sample is seen\nepochs = 1\n/)
    assert.match(text, /\nroot = "\.\.\/photos"\n/)
    const config = await Effect.runPromise(
      readConfig(join(folder, "configs", "photos.toml"), ["engine.name=wasm"]).pipe(Effect.provide(NodeServices.layer))
    )
    const fresh = await run("train", "photos", ...quick, "--run", "fresh")
    assert.strictEqual(fresh.code, 0, fresh.stderr)
    assert.deepStrictEqual(json("fresh", "config.json"), JSON.parse(JSON.stringify(config)))
    const again = await run("init", "photos", "--out", "configs/photos.toml")
    assert.strictEqual(again.code, 2)
    assert.match(again.stderr, /there is such a file already, and it stays as it is; name another one with --out/)
    assert.strictEqual(readFileSync(join(folder, "configs", "photos.toml"), "utf8"), text)
  })

  it("--resume alone takes the newest interrupted run, and says which", async () => {
    let sent = false
    const long = ["train", "photos", "--epochs", "300", "--size", "48", "--set", "engine.name=wasm", "--run"]
    for (const name of ["runs/older", "runs/newer"]) {
      sent = false
      const stopped = await weft([...long, name], folder, (text, kill) => {
        if (sent || !text.includes("epoch   2/300")) return
        sent = true
        kill("SIGINT")
      })
      assert.strictEqual(stopped.code, 130, stopped.stderr)
    }
    await utimes(join(folder, "runs", "older", "config.json"), 1e9, 1e9)
    sent = false
    const resumed = await weft(["train", "--resume"], folder, (text, kill) => {
      if (sent || !text.includes("going on at epoch")) return
      sent = true
      kill("SIGINT")
    })
    assert.match(resumed.stderr, /^run runs\/newer, the newest that was interrupted$/m)
    assert.isNotEmpty(readdirSync(join(folder, "runs", "newer", "checkpoints")))
  })
})

describe("inspect PATH and lr-find PATH", () => {
  it("look at what train would train on", async () => {
    const inspected = await run("inspect", "photos", "--json")
    assert.strictEqual(inspected.code, 0, inspected.stderr)
    assert.strictEqual(inspected.stderr.split("\n")[0], "class folders; 3 classes; 24 images")
    assert.deepStrictEqual(
      JSON.parse(inspected.stdout)
        .classes.map(({ label }: { label: string }) => label)
        .toSorted(),
      Object.keys(colours)
    )
    const found = await run("lr-find", "photos", "--size", "48", "--steps", "10", "--set", "engine.name=wasm", "--json")
    assert.strictEqual(found.code, 0, found.stderr)
    assert.isNotEmpty(JSON.parse(found.stdout).curve)
    const both = await run("inspect", "photos", "--config", "photos.toml")
    assert.strictEqual(both.code, 2)
    assert.match(both.stderr, /photos --config photos\.toml: .*leave one out/)
  })

  it("a plan is shown only where its values hold", async () => {
    const wrong = await run("train", "photos", "--epochs", "-3")
    assert.strictEqual(wrong.code, 2)
    assert.strictEqual(
      wrong.stderr.trim(),
      "photos with --epochs -3: --epochs: Expected a value between 1 and 100000, got -3"
    )
  })
})
