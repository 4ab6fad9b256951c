import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeCatalogue } from "../catalogue.ts"
import type { Ended } from "./run.ts"
import { weft } from "./run.ts"
import { begin, findings, holdWhen, searchToml, timesOf, trialsIn } from "./searchRuns.ts"

let folder: string
let alone: Ended
const flags = ["search", "--config", "search.toml", "--json", "--run"]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-search-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "search.toml"), searchToml(4))
  alone = await weft([...flags, "alone"], folder)
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("weft search", { timeout: 300_000 }, () => {
  it("trains every point, and leaves the table, the runs, and the best as a configuration", async () => {
    assert.strictEqual(alone.code, 0, alone.stderr)
    const { best, trials, winner } = JSON.parse(alone.stdout)
    assert.strictEqual(trials.length, 3)
    const finished = trials.filter(({ state }: { state: string }) => state === "finished")
    assert.strictEqual(finished.length, 3)
    assert.strictEqual(best[0], winner)
    const losses = trials.map(({ objective }: { objective: number }) => objective)
    assert.strictEqual(trials.find(({ id }: { id: string }) => id === winner).objective, Math.min(...losses))
    for (const { id } of trials) assert.isTrue(existsSync(join(folder, "alone", "trials", id, "report.json")))
    const csv = (await readFile(join(folder, "alone", "trials.csv"), "utf8")).trimEnd().split(/\r?\n/)
    assert.strictEqual(csv.length, 4)
    const toml = await readFile(join(folder, "alone/best.toml"), "utf8")
    const [, ...command] = /^# {3}npx pnpm pipeline:train (--config) (\S+)$/m.exec(toml) ?? []
    const again = await weft(["train", ...command, "--run", "best", "--json"], folder)
    assert.strictEqual(again.code, 0, again.stderr)
    const report = JSON.parse(await readFile(join(folder, "alone", "trials", winner, "report.json"), "utf8"))
    assert.deepStrictEqual(JSON.parse(again.stdout).test, report.test)
  })

  it("killed in the middle and started again, it has the same table, and repeats no trial", async () => {
    const killed = begin([...flags, "killed"], folder)
    const run = join(folder, "killed")
    const isInSecond = () => trialsIn(run).done.length > 0 && trialsIn(run).underWay.length > 0
    const held = await holdWhen(isInSecond, "a second trial", killed)
    // Beside it, a second process is refused.
    const second = await weft(["search", "--run", "killed", "--resume"], folder)
    assert.strictEqual(second.code, 2)
    assert.match(second.stderr, /process \d+ on \S+ \(stopped .*\) works on this search/)
    held.kill()
    await killed.ended
    const { done } = trialsIn(run)
    const before = timesOf(run, done)
    const resumed = await weft(["search", "--run", "killed", "--resume", "--json"], folder)
    assert.strictEqual(resumed.code, 0, resumed.stderr)
    assert.deepStrictEqual(findings(resumed.stdout), findings(alone.stdout))
    assert.deepStrictEqual(timesOf(run, done), before)
    assert.match(resumed.stderr, /going on at epoch|the training is done already/)
  })

  it("Ctrl-C leaves checkpoints and the command to go on; two processes then have the same table", async () => {
    const stopped = begin([...flags, "stopped"], folder)
    const run = join(folder, "stopped")
    const held = await holdWhen(() => trialsIn(run).underWay.length > 0, "a trial", stopped)
    stopped.child.kill("SIGINT")
    held.letGo()
    assert.strictEqual(await stopped.ended, 130, stopped.said.stderr)
    assert.match(stopped.said.stderr, /To go on: npx pnpm pipeline:search --run stopped --resume/)
    const resumed = await weft(["search", "--run", "stopped", "--resume", "--parallel", "2", "--json"], folder)
    assert.strictEqual(resumed.code, 0, resumed.stderr)
    assert.deepStrictEqual(findings(resumed.stdout), findings(alone.stdout))
  })

  it("a training process that is killed is reported, and another goes on from its checkpoints", async () => {
    const begun = begin([...flags, "orphan"], folder)
    const run = join(folder, "orphan")
    const held = await holdWhen(() => trialsIn(run).underWay.length > 0, "a trial", begun)
    const { execFileSync } = await import("node:child_process")
    const children = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(begun.child.pid)], { encoding: "utf8" })
    const trainer = children.split("\n").find((line) => line.includes("src/trainer.ts"))
    process.kill(Number.parseInt(trainer ?? "", 10), "SIGKILL")
    held.letGo()
    assert.strictEqual(await begun.ended, 0, begun.said.stderr)
    assert.match(begun.said.stderr, /the process that trained it died \(signal SIGKILL.*a new one goes on/)
    assert.deepStrictEqual(findings(begun.said.stdout), findings(alone.stdout))
  })
})

describe("wrong input", () => {
  const wrong: ReadonlyArray<readonly [string, ReadonlyArray<string>, number, RegExp]> = [
    [
      "an objective that does not exist",
      ["--set", "objective.metric=validationLos"],
      2,
      /did you mean `validationLoss`/
    ],
    ["a point that does not fit", ["--set", "base.image.height=40"], 2, /trial.*does not fit/s],
    ["no data", ["--set", "base.data.root=nowhere"], 3, /nowhere\/list\.csv/],
    ["an engine that is not there", ["--set", "base.engine.device=gpu"], 4, /engine "wasm" cannot run here/],
    ["--resume of nothing", ["--resume"], 2, /only --run DIR goes with it/],
    ["a folder with a search", ["--run", "alone"], 2, /there is a search in this folder already/],
    ["no processes", ["--parallel", "0"], 2, /parallel/]
  ]
  for (const [what, args, code, message] of wrong)
    it(`${what}: exit code ${code} and a message without a stack`, async () => {
      const run = args.includes("--run") ? [] : ["--run", `wrong-${what.replaceAll(" ", "-")}`]
      const ended = await weft(["search", "--config", "search.toml", ...args, ...run], folder)
      assert.strictEqual(ended.code, code, ended.stderr)
      assert.match(ended.stderr, message)
      assert.notMatch(ended.stderr, /\n\s+at /)
    })
})
