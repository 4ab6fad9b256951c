import { Effect, Result } from "effect"
import { draw } from "../../../../src/pipeline/draw.ts"
import type { Order } from "../../../../src/run/serve/Task.ts"
import { Desk } from "../../../../src/run/serve/Desk.ts"
import { uploaded } from "./uploaded.ts"

const orders: ReadonlyArray<Order> = ["newest", "leastMargin", "surest", "disagreement"]

/**
 * Several operators answer at the same time until nothing waits any more: each in an order of its own, ten items ahead,
 * one now and then given back. The digests of all answers that were acknowledged.
 */
export const answerEverything = Effect.fnUntraced(function* (options: {
  readonly operators: number
  readonly prefix: string
  readonly items: number
  /** Whether this server takes the items in; another one waits for them. */
  readonly arriving: boolean
}) {
  const desk = yield* Desk
  const { arriving, items, operators, prefix } = options
  if (arriving) {
    const all = Array.from({ length: items }, (_, n) => uploaded(n))
    for (let from = 0; from < items; from += 1000) yield* desk.arrive(all.slice(from, from + 1000))
  } else while ((yield* desk.progress).total < items) yield* Effect.yieldNow
  const work = Effect.fnUntraced(function* (n: number) {
    const operator = `${prefix}operator ${n}`
    const random = draw(operator)
    const order = orders[n % orders.length] ?? "newest"
    const answered: Array<string> = []
    for (;;) {
      const tasks = yield* desk.next({ operator, order, count: 10 })
      if (tasks.length === 0) return answered
      for (const task of tasks.slice(0, 1 + random.below(10))) {
        if (random.below(50) === 0) {
          yield* desk.putBack(operator, task)
          continue
        }
        const result = yield* Effect.result(
          desk.answer(operator, {
            digest: task.digest,
            version: task.version,
            values: [{ column: "articleType", value: task.columns[0].suggestions[0]?.label ?? "Ties" }],
            seconds: 1
          })
        )
        if (Result.isSuccess(result)) answered.push(task.digest)
        else if (result.failure._tag === "DeskError") return yield* result.failure
      }
    }
  })
  const answers = yield* Effect.forEach(
    Array.from({ length: operators }, (_, n) => n),
    work,
    { concurrency: "unbounded" }
  )
  return answers.flat()
})
