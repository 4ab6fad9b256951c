import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { draw } from "../../../../src/pipeline/draw.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const items = 300
const Line = Schema.fromJsonString(
  Schema.Tuple([Schema.String, Schema.String, Schema.Int, Schema.String, Schema.String])
)
type Acknowledged = typeof Line.Type
const decode = Schema.decodeUnknownSync(Line)

/** Begins a desk on the file, and kills it without warning after so many acknowledged changes; they are returned. */
const killAfter = (file: string, round: number, changes: number): Promise<ReadonlyArray<Acknowledged>> =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "killedDesk.ts"), file, String(round), String(items)],
      { stdio: ["ignore", "pipe", "pipe"] }
    )
    let text = ""
    let errors = ""
    let isKilled = false
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (errors += chunk))
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk
      if (!isKilled && text.split("\n").length > changes) isKilled = child.kill("SIGKILL")
    })
    child.once("close", (_, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(`the desk ended by itself: ${errors}`))
      // A last line may be cut off; its change is acknowledged to nobody.
      const lines = text
        .slice(0, text.lastIndexOf("\n") + 1)
        .split("\n")
        .filter((line) => line !== "")
      return resolve(lines.map((line) => decode(line)))
    })
  })

const LogLine = Schema.Struct({
  digest: Schema.String,
  version: Schema.Int,
  who: Schema.String,
  action: Schema.String,
  was: Schema.NullOr(Schema.String),
  became: Schema.NullOr(Schema.String)
})

/** What the file holds after the killing, each item's log against its value and version; and all acknowledged changes in it. */
const check = (file: string, acknowledged: ReadonlyArray<Acknowledged>) => {
  const database = new DatabaseSync(file)
  try {
    assert.deepStrictEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" })
    const log = Schema.decodeUnknownSync(Schema.Array(LogLine))(
      database.prepare("SELECT digest, version, who, action, was, became FROM desk_log ORDER BY entry").all()
    )
    const held = new Map<string, { readonly version: number; readonly value: string | null }>()
    const lines = new Map<string, (typeof log)[number]>()
    for (const line of log) {
      const before = held.get(line.digest) ?? { version: 0, value: null }
      // Each line follows the one before it: none is lost, none is there twice.
      assert.strictEqual(line.version, before.version + 1)
      assert.strictEqual(line.was, before.value)
      held.set(line.digest, { version: line.version, value: line.became })
      lines.set(`${line.digest} ${line.version}`, line)
    }
    for (const [what, digest, version, operator, label] of acknowledged) {
      const line = lines.get(`${digest} ${version}`)
      assert.strictEqual(line?.action, what)
      assert.strictEqual(line?.who, operator)
      if (what === "answer") assert.strictEqual(line?.became, label)
    }
    const stored = database
      .prepare("SELECT i.digest, i.version, v.value FROM desk_items i JOIN desk_values v ON v.digest = i.digest")
      .all()
    assert.strictEqual(stored.length, items)
    for (const { digest, value, version } of stored)
      assert.deepStrictEqual({ version, value }, held.get(String(digest)) ?? { version: 0, value: null })
    return log.length
  } finally {
    database.close()
  }
}

it.live(
  "no acknowledged answer is lost or doubled by SIGKILL at 100 random moments under load",
  () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      // Two desks at the same time, each killed and begun again.
      const rounds = yield* Effect.forEach(
        [0, 1],
        Effect.fnUntraced(function* (desk) {
          const file = join(folder, `desk${desk}.sqlite`)
          const all: Array<Acknowledged> = []
          let logged = 0
          for (let round = 0; round < 50; round++) {
            const changes = 1 + draw("kill", desk, round).below(60)
            all.push(...(yield* Effect.promise(() => killAfter(file, round, changes))))
            logged = check(file, all)
          }
          return { acknowledged: all.length, logged }
        }),
        { concurrency: 2 }
      )
      for (const { acknowledged, logged } of rounds) {
        assert.isAbove(acknowledged, 50)
        assert.isAtLeast(logged, acknowledged)
      }
    }),
  600_000
)
