/** A desk that is to be killed: eight operators answer without end, and each acknowledged answer is a line on the output. */
import { Effect, Result } from "effect"
import { writeSync } from "node:fs"
import * as SqliteDesk from "../../../../src/layers/desk/store/SqliteDesk.ts"
import { draw } from "../../../../src/pipeline/draw.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import { digestOf, uploaded } from "./uploaded.ts"

const [, , file = "", round = "", items = "0"] = process.argv

let given = 0

const work = Effect.fnUntraced(function* (n: number) {
  const desk = yield* Desk
  const operator = `operator ${n}`
  const random = draw("killed", round, n)
  const acknowledge = (what: string, digest: string, version: number, label: string) =>
    Effect.sync(() => writeSync(1, `${JSON.stringify([what, digest, version, operator, label])}\n`))
  for (;;) {
    const act = random.below(10)
    const label = `answer ${round}.${given++}`
    if (act === 0) {
      const undone = yield* Effect.result(desk.undo(operator))
      if (Result.isSuccess(undone))
        for (const { digest, version } of undone.success) yield* acknowledge("undo", digest, version, "")
    } else if (act === 1) {
      const tasks = yield* desk.next({ operator, order: "surest", count: 5 })
      const { confirmed } = yield* desk.confirm(operator, {
        column: "articleType",
        label,
        items: tasks,
        seconds: null
      })
      for (const { digest, version } of confirmed) yield* acknowledge("answer", digest, version, label)
    } else {
      const [waiting] = yield* desk.next({ operator, order: "newest", count: 3 })
      const task =
        waiting ??
        Result.getOrUndefined(yield* Effect.result(desk.take(operator, digestOf(random.below(Number(items))))))
      if (task === undefined) continue
      const done = yield* Effect.result(
        desk.answer(operator, {
          digest: task.digest,
          version: task.version,
          values: [{ column: "articleType", value: label }],
          seconds: null
        })
      )
      if (Result.isSuccess(done)) yield* acknowledge("answer", task.digest, done.success.version, label)
    }
  }
})

const program = Effect.gen(function* () {
  const desk = yield* Desk
  yield* desk.arrive(Array.from({ length: Number(items) }, (_, n) => uploaded(n)))
  yield* Effect.forEach([0, 1, 2, 3, 4, 5, 6, 7], work, { concurrency: "unbounded" })
}).pipe(Effect.provide(SqliteDesk.layer(file, { columns: ["articleType"], ...defaultSettings })))

await Effect.runPromise(program)
