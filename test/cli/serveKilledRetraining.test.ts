import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../temporaryFolder.ts"
import { bin, call, start, trained, until } from "./servedRun.ts"

/** Processes that a process has started, and that live. */
const childrenOf = (parent: number | undefined): ReadonlyArray<number> =>
  execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([pid, ppid, state = "", ...args]) =>
      Number(ppid) === parent && !state.startsWith("Z") && args.includes("train") ? [Number(pid)] : []
    )

/** The newest step that a checkpoint keeps; 0 where there is none. */
const checkpointOf = (run: string): number => {
  const folder = join(run, "checkpoints")
  const steps = existsSync(folder) ? readdirSync(folder).map((name) => Number(/^step-(\d+)/.exec(name)?.[1] ?? 0)) : []
  return Math.max(0, ...steps)
}

it.live(
  "a retraining that is killed several times, with its server, ends with the weights of one that is not killed",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* trained(folder, "shop", "train.epochs=8", "train.batchSize=16", "train.checkpoint.everySteps=3")

      let server = yield* start(folder)
      const { digest, label } = yield* call(`${server.url}/v1/queue/next`, { order: "disagreement", count: 50 }).pipe(
        Effect.flatMap(({ json: tasks }) =>
          Effect.forEach(tasks as ReadonlyArray<{ readonly digest: string }>, ({ digest }) =>
            Effect.map(call(`${server.url}/v1/items/${digest}`), ({ json }) => json)
          )
        ),
        // A retraining learns from the training part's alone.
        Effect.map((items) => items.find(({ part }) => part === "train")),
        Effect.filterOrFail((item) => item !== undefined),
        Effect.map(({ digest, rows: [row] }) => ({ digest, label: row.values[0].value })),
        Effect.retry(Schedule.spaced("200 millis"))
      )
      const { json: task } = yield* call(`${server.url}/v1/queue/take`, { digest })
      const value = label === "Tshirts" ? "Casual Shoes" : "Tshirts"
      const answer = { digest, version: task.version, values: [{ column: "articleType", value }], seconds: 1 }
      assert.strictEqual((yield* call(`${server.url}/v1/queue/answer`, answer)).status, 200)
      const { json: begun } = yield* call(`${server.url}/v1/retrain`, {})
      const run = join(folder, "shop-desk", "runs", begun.run)

      // Killed at steps 3, 12 and 21 or a little later, of 104 and more.
      const killed: Array<number> = []
      for (const step of [3, 12, 21]) {
        while (checkpointOf(run) < step) yield* Effect.sleep("5 millis")
        const trainings = childrenOf(server.child.pid)
        assert.strictEqual(trainings.length, 1)
        server.child.kill("SIGKILL")
        for (const pid of trainings) process.kill(pid, "SIGKILL")
        yield* Effect.promise(() => server.ended)
        killed.push(checkpointOf(run))
        assert.isFalse(existsSync(join(run, "report.json")))
        server = yield* start(folder)
      }
      yield* until(`${server.url}/v1/retrain`, ({ state }) => ["heldBack", "promoted", "failed"].includes(state)).pipe(
        Effect.tap((end) => Effect.sync(() => assert.notStrictEqual(end.state, "failed", `${end.detail}`)))
      )

      const config = join(folder, "shop-desk", "retraining", `${begun.run}.json`)
      const { status, stderr } = spawnSync(process.execPath, [bin, "train", "--config", config, "--run", "straight"], {
        cwd: folder,
        encoding: "utf8"
      })
      assert.strictEqual(status, 0, stderr)
      const weightsOf = (path: string) => readFileSync(join(path, "model", "model.safetensors"))
      assert.isTrue(weightsOf(run).equals(weightsOf(join(folder, "straight"))), `killed at ${killed.join(", ")}`)
      assert.isFalse(weightsOf(run).equals(weightsOf(join(folder, "shop"))))
      // Every step's loss as well, those before the killings included.
      assert.strictEqual(
        readFileSync(join(run, "steps.jsonl"), "utf8"),
        readFileSync(join(folder, "straight", "steps.jsonl"), "utf8")
      )
    }),
  600_000
)
