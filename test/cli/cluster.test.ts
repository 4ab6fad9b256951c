import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeCatalogue } from "../catalogue.ts"
import { freePort, password, postgres, postgresPrograms } from "../postgres.ts"
import { weft } from "./run.ts"
import type { Begun } from "./searchRuns.ts"
import { begin, filesWith, findings, holdWhen, killAll, searchToml, shownOf, timesOf, trialsIn } from "./searchRuns.ts"

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-cluster-"))
  await writeCatalogue(join(folder, "data"))
  await writeFile(join(folder, "search.toml"), searchToml(4))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe.skipIf(postgresPrograms === undefined)("a search on a cluster, with a PostgreSQL of its own", () => {
  const scope = Scope.makeUnsafe()
  let server: Effect.Success<typeof postgres>
  const workers: Array<Begun> = []

  beforeAll(async () => {
    server = await Effect.runPromise(Scope.provide(postgres, scope))
  })
  afterAll(async () => {
    for (const { child } of workers) child.kill("SIGKILL")
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  it(
    "one of two workers is killed in the middle of a trial: the other finishes all, and repeats none",
    { timeout: 500_000 },
    async () => {
      const env = { WEFT_CLUSTER: server.url }
      const worker = (...args: ReadonlyArray<string>) => {
        const begun = begin(["worker", "--expiry", "3", "--log-level", "debug", ...args], folder, env)
        workers.push(begun)
        return begun
      }
      const alone = await weft(["search", "--config", "search.toml", "--run", "alone", "--json"], folder)
      assert.strictEqual(alone.code, 0, alone.stderr)

      const pair = [worker(), worker()]
      const without = worker("--data", "nowhere")
      const search = begin(["search", "--config", "search.toml", "--run", "shared", "--json"], folder, env)
      const run = join(folder, "shared")
      const all = [search, ...pair, without]
      const current = ({ said }: Begun) => [...said.stderr.matchAll(/training (\S+)/g)].at(-1)?.[1]
      const victim = () =>
        pair.find((one) => {
          const { done, underWay } = trialsIn(run)
          const trial = current(one)
          return done.length > 0 && trial !== undefined && underWay.includes(trial)
        })
      // Both stand still while it is looked at where they are: the one to be killed has a checkpoint, and is not through.
      const held = await holdWhen(
        () => victim() !== undefined,
        "a worker in the middle of a trial, after another trial's end",
        ...pair
      )
      const shown = all.map(({ child }) => shownOf(child.pid)).join("\n")
      const killed = victim()
      assert.isDefined(killed)
      const trial = current(killed)
      killAll(killed)
      held.letGo()
      await killed.ended
      const { done } = trialsIn(run)
      const before = timesOf(run, done)
      const other = pair.find((one) => one !== killed)

      assert.strictEqual(await search.ended, 0, all.map(({ said }) => said.stderr).join("\n---\n"))
      assert.deepStrictEqual(findings(search.said.stdout), findings(alone.stdout))
      assert.deepStrictEqual(timesOf(run, done), before)
      assert.include(other?.said.stderr, `training ${trial}`)
      assert.match(other?.said.stderr ?? "", new RegExp(`${trial}: (going on at epoch|the training is done already)`))
      assert.match(without.said.stderr, /takes no groups of it: .*nowhere\/list\.csv/s)
      assert.notInclude(without.said.stderr, "training ")

      const again = await weft(["search", "--run", "shared", "--resume", "--cluster", server.url, "--json"], folder)
      assert.strictEqual(again.code, 0, again.stderr)
      assert.deepStrictEqual(findings(again.stdout), findings(alone.stdout))

      // The password is nowhere: not in what was said, listed, written or stored.
      for (const { said } of all) assert.notInclude(said.stdout + said.stderr, password)
      assert.notInclude(again.stdout + again.stderr, password)
      assert.include(shown, "src/trainer.ts")
      assert.notInclude(shown, password)
      assert.isEmpty(filesWith(run, password))
      const dump = execFileSync(join(server.bin, "pg_dump"), ["-d", server.url], {
        encoding: "utf8",
        env: server.options.env
      })
      assert.include(dump, "rung-0/group-0")
      assert.notInclude(dump, password)
    }
  )

  it("a wrong password is reported, and not shown", async () => {
    const wrong = server.url.replace(password, "an0ther-w0rd")
    const ended = await weft(["worker", "--cluster", wrong, "--log-level", "debug"], folder)
    assert.strictEqual(ended.code, 1, ended.stderr)
    assert.match(ended.stderr, /database postgres:\/\/weft@127\.0\.0\.1:\d+\/postgres cannot be used: .*password/)
    assert.notInclude(ended.stderr + ended.stdout, "an0ther-w0rd")
  })
})

describe("a cluster that cannot be reached", () => {
  it("nothing listens: exit code 1, and what to do", async () => {
    const url = `postgres://weft:${password}@127.0.0.1:${await freePort()}/weft`
    for (const command of ["worker", "search"]) {
      const run = command === "search" ? ["--config", "search.toml", "--run", "nobody"] : []
      const ended = await weft([command, ...run, "--cluster", url, "--log-level", "debug"], folder)
      assert.strictEqual(ended.code, 1, ended.stderr)
      assert.match(ended.stderr, /nothing listens there; start PostgreSQL, or correct host and port/)
      assert.notInclude(ended.stderr + ended.stdout, password)
      assert.isEmpty(filesWith(folder, password))
    }
  })

  it("a URL of something else, or none: exit code 2, and the URL is not repeated", async () => {
    const wrong = await weft(["worker", "--cluster", `mysql://weft:${password}@db/weft`], folder)
    assert.strictEqual(wrong.code, 2, wrong.stderr)
    assert.match(wrong.stderr, /expected a PostgreSQL's URL/)
    assert.notInclude(wrong.stderr + wrong.stdout, password)
    const none = await weft(["worker"], folder)
    assert.strictEqual(none.code, 2, none.stderr)
    assert.match(none.stderr, /--cluster URL, or WEFT_CLUSTER/)
  })
})
