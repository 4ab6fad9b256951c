import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Desk } from "../../../../run/serve/Desk.ts"
import { CurrentOperator } from "../../api/access.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { answered } from "../faults.ts"

/** The queue: leases, answers, undo. */
export const queue = HttpApiBuilder.group(
  DeskApi,
  "queue",
  Effect.fnUntraced(function* (handlers) {
    const desk = yield* Desk
    /** Work in the name of who asks. */
    const as = <A, E, R>(work: (operator: string) => Effect.Effect<A, E, R>) =>
      answered(Effect.flatMap(CurrentOperator, ({ name }) => work(name)))
    return handlers
      .handle("next", ({ payload }) => as((operator) => desk.next({ operator, ...payload })))
      .handle("answer", ({ payload }) => as((operator) => desk.answer(operator, payload)))
      .handle("skip", ({ payload }) => as((operator) => desk.skip(operator, payload)))
      .handle("undo", () => as((operator) => desk.undo(operator)))
      .handle("putBack", ({ payload }) => as((operator) => desk.putBack(operator, payload)))
      .handle("askSecond", ({ payload: { digests } }) => as((operator) => desk.askSecond(operator, digests)))
      .handle("take", ({ payload: { digest } }) => as((operator) => desk.take(operator, digest)))
      .handle("renew", ({ payload: { digests } }) => as((operator) => desk.renew(operator, digests)))
  })
)

/** The grid: the surest items of one class, confirmed together. */
export const grid = HttpApiBuilder.group(
  DeskApi,
  "grid",
  Effect.fnUntraced(function* (handlers) {
    const desk = yield* Desk
    return handlers
      .handle(
        "open",
        Effect.fnUntraced(function* ({ payload }) {
          const { name } = yield* CurrentOperator
          return yield* answered(desk.grid({ operator: name, ...payload }))
        })
      )
      .handle(
        "confirm",
        Effect.fnUntraced(function* ({ payload }) {
          const { name } = yield* CurrentOperator
          return yield* answered(desk.confirm(name, payload))
        })
      )
  })
)

/** The audit lists and the log. */
export const audit = HttpApiBuilder.group(
  DeskApi,
  "audit",
  Effect.fnUntraced(function* (handlers) {
    const desk = yield* Desk
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { list }, query: { count = 50, from = 0 } }) {
          const { name } = yield* CurrentOperator
          return yield* answered(desk.audit({ operator: name, list, from, count }))
        })
      )
      .handle(
        "log",
        Effect.fnUntraced(function* ({ query: { before, count = 100, digest, operator } }) {
          const { name, role } = yield* CurrentOperator
          return yield* answered(
            desk.log({
              before: before ?? null,
              count,
              digest: digest ?? null,
              operator: role === "admin" ? (operator ?? null) : name
            })
          )
        })
      )
  })
)
