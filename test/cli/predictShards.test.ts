/** `weft predict --shards`, killed and continued: in one process, and by a cluster's workers. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { catalogueConfig, writeCatalogue } from "../catalogue.ts"
import { password, postgres, postgresPrograms } from "../postgres.ts"
import { weft } from "./run.ts"
import type { Begun } from "./searchRuns.ts"
import { begin, filesWith, holdWhen, killAll, shownOf, until } from "./searchRuns.ts"

let folder: string
/** What `predict` prints of the same files at once, by its format. */
const alone = new Map<string, string>()

/** Photos of the catalogue under so many names. */
const copies = 40
const files = ["photos", "gone.jpg"]
const formats = [["--format", "csv"], ["--format", "jsonl"], ["--format", "table"], ["--json"]] as const
const inShards = (shards: string, ...more: ReadonlyArray<string>) => {
  const flags = more.length === 0 ? ["--format", "csv"] : more
  return ["predict", "--run", "run", "--shards", shards, "--per-shard", "40", ...flags, ...files]
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-shards-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "config.toml"), `${catalogueConfig("data")}\n[engine]\nname = "wasm"\n`)
  const trained = await weft(["train", "--config", "config.toml", "--epochs", "1", "--run", "run"], folder)
  assert.strictEqual(trained.code, 0, trained.stderr)
  mkdirSync(join(folder, "photos"))
  for (const name of readdirSync(join(folder, "data/photos")))
    for (let i = 0; i < copies; i++) linkSync(join(folder, "data/photos", name), join(folder, "photos", `${i}-${name}`))
  for (const format of formats) {
    const ended = await weft(["predict", "--run", "run", ...format, ...files], folder)
    assert.strictEqual(ended.code, 0, ended.stderr)
    alone.set(format.join(" "), ended.stdout)
  }
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

const shardFile = (shards: string, number: number) =>
  join(folder, shards, "shards", `${String(number - 1).padStart(7, "0")}.jsonl`)

/** When each finished shard was written. */
const finishedIn = (shards: string): ReadonlyMap<string, number> => {
  const path = join(folder, shards, "shards")
  const names = existsSync(path) ? readdirSync(path).filter((name) => /^\d+\.jsonl$/.test(name)) : []
  return new Map(names.map((name) => [name, statSync(join(path, name)).mtimeMs]))
}

/** Photos of 37 names, and the one that is not there, in shards of 40. */
const count = Math.ceil((37 * copies + 1) / 40)

describe("a prediction in shards, in one process", { timeout: 300_000 }, () => {
  it("is killed, interrupted, and continued: the bytes of a prediction in one, and no shard twice", async () => {
    const killed = begin(inShards("here"), folder)
    const held = await holdWhen(
      () => finishedIn("here").size >= 2 && finishedIn("here").size < count,
      "a prediction with some finished shards",
      killed
    )
    const first = finishedIn("here")
    held.kill()
    assert.isNull(await killed.ended)

    const stopped = begin(inShards("here"), folder)
    const stopping = await holdWhen(() => finishedIn("here").size > first.size, "another shard", stopped)
    const second = finishedIn("here")
    assert.isBelow(second.size, count)
    stopped.child.kill("SIGINT")
    stopping.letGo()
    assert.strictEqual(await stopped.ended, 130, stopped.said.stderr)
    assert.strictEqual(stopped.said.stdout, "")
    assert.match(
      stopped.said.stderr,
      new RegExp(`prediction here: 1,481 files in ${count} shards; finished already: ${first.size}\n`)
    )
    assert.match(stopped.said.stderr, /Interrupted; the finished shards are in here\. To go on: the same command/)

    for (const format of formats) {
      const ended = await weft(inShards("here", ...format), folder)
      assert.strictEqual(ended.code, 0, ended.stderr)
      assert.strictEqual(ended.stdout, alone.get(format.join(" ")))
      assert.match(ended.stderr, /41 of 1481 could not be read/)
    }
    const times = finishedIn("here")
    assert.strictEqual(times.size, count)
    for (const [name, time] of second) assert.strictEqual(times.get(name), time, name)
  })

  it("is refused where the folder has another one, and begins anew where nothing could be read", async () => {
    const other = await weft(inShards("here", "--top", "1"), folder)
    assert.strictEqual(other.code, 2, other.stderr)
    assert.match(other.stderr, /--shards here: this folder has a prediction that differs in --top \(3, and now 1\)/)
    const run = await weft(inShards("run"), folder)
    assert.strictEqual(run.code, 2, run.stderr)
    assert.match(run.stderr, /--shards run: there is a run in this folder/)
    const predict = (...paths: ReadonlyArray<string>) =>
      weft(["predict", "--run", "run", "--shards", "misspelled", ...paths], folder)
    const wrong = await predict("foto.jpg")
    assert.strictEqual(wrong.code, 3, wrong.stderr)
    const right = await predict("photos/0-apple-0.png")
    assert.strictEqual(right.code, 0, right.stderr)
  })

  it("a cluster goes with --shards alone", async () => {
    const flag = await weft(
      ["predict", "--run", "run", "--cluster", `postgres://weft:${password}@db/weft`, "photos"],
      folder
    )
    assert.strictEqual(flag.code, 2, flag.stderr)
    assert.match(flag.stderr, /--cluster: goes with --shards DIR/)
    assert.notInclude(flag.stderr, password)
    // For searches, WEFT_CLUSTER may be there all the time.
    const photo = "photos/0-apple-0.png"
    const env = { WEFT_CLUSTER: `postgres://weft:${password}@127.0.0.1:1/weft` }
    const here = await weft(["predict", "--run", "run", photo], folder, undefined, undefined, env)
    assert.strictEqual(here.code, 0, here.stderr)
    const nobody = await weft(inShards("nobody"), folder, undefined, undefined, env)
    assert.strictEqual(nobody.code, 1, nobody.stderr)
    assert.match(nobody.stderr, /nothing listens there; start PostgreSQL, or correct host and port/)
  })
})

describe.skipIf(postgresPrograms === undefined)("a prediction on a cluster, with a PostgreSQL of its own", () => {
  const scope = Scope.makeUnsafe()
  let server: Effect.Success<typeof postgres>
  const begun: Array<Begun> = []

  beforeAll(async () => {
    server = await Effect.runPromise(Scope.provide(postgres, scope))
  })
  afterAll(async () => {
    for (const one of begun) killAll(one)
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const start = (...args: ReadonlyArray<string>) => {
    const one = begin(args, folder, { WEFT_CLUSTER: server.url })
    begun.push(one)
    return one
  }
  const worker = (...args: ReadonlyArray<string>) => start("worker", "--expiry", "3", "--log-level", "debug", ...args)
  const sql = (text: string) =>
    execFileSync(join(server.bin, "psql"), ["-d", server.url, "-Atc", text], {
      encoding: "utf8",
      env: server.options.env
    }).trim()

  /** The shards that a worker has begun, by their numbers from 1. */
  const takenBy = ({ said }: Begun) =>
    [...said.stderr.matchAll(/^prediction \S+: shard (\d+) of \d+$/gm)].map(([, number]) => Number(number))

  it(
    "a worker and the one who waits are killed: others take over, no shard is predicted twice, and the bytes are the same",
    { timeout: 300_000 },
    async () => {
      const pair = [worker(), worker()]
      const without = worker("--data", "nowhere")
      const killed = start(...inShards("shared"))
      /** A worker in the middle of a shard, after others' ends. */
      const victim = () =>
        pair.find((one) => {
          const current = takenBy(one).at(-1)
          return current !== undefined && finishedIn("shared").size >= 2 && !existsSync(shardFile("shared", current))
        })
      const held = await holdWhen(() => victim() !== undefined, "a worker in the middle of a shard", killed, ...pair)
      const shown = [killed, without, ...pair].map(({ child }) => shownOf(child.pid)).join("\n")
      const dead = victim()
      assert.isDefined(dead)
      const left = takenBy(dead).at(-1)
      const before = finishedIn("shared")
      assert.isBelow(before.size, count)
      for (const one of [dead, killed]) killAll(one)
      held.letGo()
      await Promise.all([dead.ended, killed.ended])

      const again = start(...inShards("shared"))
      const all = [killed, again, without, ...pair]
      assert.strictEqual(await again.ended, 0, all.map(({ said }) => said.stderr).join("\n---\n"))
      assert.strictEqual(again.said.stdout, alone.get("--format csv"))
      assert.match(again.said.stderr, /submitted to postgres:\/\/weft@127\.0\.0\.1:\d+\/postgres; start workers with /)
      const times = finishedIn("shared")
      for (const [name, time] of before) assert.strictEqual(times.get(name), time, name)
      const taken = pair.flatMap(takenBy).sort((a, b) => a - b)
      const wanted = [...Array.from({ length: count }, (_, i) => i + 1), left ?? 0].sort((a, b) => a - b)
      assert.deepStrictEqual(taken, wanted)
      assert.match(
        without.said.stderr,
        /prediction shared: this machine takes no shards of it: .*nowhere\/photos\/0-apple-0\.png: this photo cannot be read here/
      )
      assert.isEmpty(takenBy(without))

      // Nothing is left to do: with a cluster or without, in whatever format.
      const other = await weft(inShards("shared", "--json", "--cluster", server.url), folder)
      assert.strictEqual(other.code, 0, other.stderr)
      assert.strictEqual(other.stdout, alone.get("--json"))
      assert.deepStrictEqual(pair.flatMap(takenBy).length, wanted.length)

      // The password is nowhere: not in what was said, listed, written or stored.
      for (const { said } of all) assert.notInclude(said.stdout + said.stderr, password)
      assert.notInclude(other.stdout + other.stderr, password)
      assert.notInclude(shown, password)
      assert.isEmpty(filesWith(join(folder, "shared"), password))
      const dump = execFileSync(join(server.bin, "pg_dump"), ["-d", server.url], {
        encoding: "utf8",
        env: server.options.env
      })
      assert.include(dump, "weft/prediction/")
      assert.notInclude(dump, password)
      assert.notInclude(dump, "0-apple-0.png") // the list of files stays in the folder
      for (const one of [without, ...pair]) killAll(one)
    }
  )

  it(
    "whoever waits may stop and come back; a shard over which workers die is given up, and tried again",
    { timeout: 300_000 },
    async () => {
      const command = inShards("deadly", "--format", "jsonl")
      const queued = () => {
        const isThere = sql("SELECT to_regclass('weft_predictions')") !== ""
        return isThere ? sql("SELECT count(*) FROM weft_predictions WHERE name = 'deadly'") === "1" : false
      }
      const first = start(...command)
      await until(queued, "a prediction that is submitted", first)
      first.child.kill("SIGINT")
      assert.strictEqual(await first.ended, 130, first.said.stderr)
      assert.match(first.said.stderr, /No longer watched; the workers go on, .*To watch again: the same command/)

      sql(
        "UPDATE weft_groups SET attempts = 3 WHERE id = 'shard-1' AND queue_name = (SELECT 'weft/prediction/' || key FROM weft_predictions WHERE name = 'deadly')"
      )
      const second = start(...command)
      const busy = worker()
      assert.strictEqual(await second.ended, 1, second.said.stderr + busy.said.stderr)
      assert.match(second.said.stderr, /Shard 2 is not predicted: 3 workers died over it\. .*lists\/0000001\.json/s)

      const third = start(...command)
      assert.strictEqual(await third.ended, 0, third.said.stderr + busy.said.stderr)
      assert.strictEqual(third.said.stdout, alone.get("--format jsonl"))
      // A shard that was finished and is gone is predicted again, alone.
      await rm(shardFile("deadly", 5))
      const before = takenBy(busy).length
      const fourth = start(...command)
      assert.strictEqual(await fourth.ended, 0, fourth.said.stderr + busy.said.stderr)
      assert.strictEqual(fourth.said.stdout, alone.get("--format jsonl"))
      assert.deepStrictEqual(takenBy(busy).slice(before), [5])
      busy.child.kill("SIGINT")
      assert.strictEqual(await busy.ended, 130)
      assert.match(busy.said.stderr, /Stopped\. Other workers take over its work/)
      assert.match(readFileSync(join(folder, "deadly/prediction.json"), "utf8"), /"weft-prediction-1"/)
    }
  )
})
