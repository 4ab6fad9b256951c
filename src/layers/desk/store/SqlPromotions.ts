import { Clock, Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { SqlClient } from "effect/sql"
import { Verdict } from "../../../run/serve/gate.ts"
import type { ModelRecord } from "../../../run/serve/Promotions.ts"
import { formerKept, ModelState, NotPromotable, Promotions } from "../../../run/serve/Promotions.ts"
import { rowsOf, toDeskError } from "./deskTables.ts"
import { createTables } from "./tables.ts"

const ModelRow = Schema.Struct({
  model: Schema.String,
  run: Schema.String,
  state: ModelState,
  offered: Schema.Finite,
  answers: Schema.Int,
  promoted: Schema.NullOr(Schema.Finite),
  promoter: Schema.NullOr(Schema.String),
  verdict: Schema.NullOr(Schema.fromJsonString(Verdict))
})

/** The models of a desk, in its database. */
export const makePromotions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* toDeskError(createTables)
  const fields = sql.literal(Object.keys(ModelRow.fields).join(", "))

  const models = (statement: Effect.Effect<ReadonlyArray<unknown>, SqlError.SqlError>) =>
    Effect.map(rowsOf(ModelRow, statement), (rows) =>
      rows.map(({ promoter, ...row }): ModelRecord => ({ ...row, by: promoter }))
    )

  /** One transaction at a time: PostgreSQL lets two that promote wait for each other. */
  const atomically = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    toDeskError(
      sql.withTransaction(
        Effect.andThen(
          sql.onDialectOrElse({
            pg: () => sql`SELECT pg_advisory_xact_lock(5734023)`,
            orElse: () => Effect.succeed([])
          }),
          effect
        )
      )
    )

  const list = toDeskError(models(sql`SELECT ${fields} FROM desk_models ORDER BY id DESC`))

  const live = Effect.map(
    toDeskError(models(sql`SELECT ${fields} FROM desk_models WHERE state = 'live'`)),
    ([one]) => one ?? null
  )

  const find = Effect.fnUntraced(function* (model: string) {
    const [one] = yield* models(sql`SELECT ${fields} FROM desk_models WHERE model = ${model}`)
    return (
      one ??
      (yield* new NotPromotable({
        model,
        state: null,
        detail: `the desk knows no model ${JSON.stringify(model)}; GET /v1/models lists them`
      }))
    )
  })

  /** Makes a model live. The one that was live becomes `before`; of the former ones the newest stay. */
  const makeLive = Effect.fnUntraced(function* (model: string, by: string, before: ModelState) {
    const now = yield* Clock.currentTimeMillis
    yield* sql`UPDATE desk_models SET state = ${before} WHERE state = 'live'`
    yield* sql`UPDATE desk_models SET state = 'live', promoted = ${now}, promoter = ${by} WHERE model = ${model}`
    yield* sql`UPDATE desk_models SET state = 'gone' WHERE state = 'former' AND id NOT IN (SELECT id FROM desk_models WHERE state = 'former' ORDER BY promoted DESC, id DESC LIMIT ${formerKept})`
    return yield* find(model)
  })

  return Promotions.of({
    list,
    live,
    offer: Effect.fn("Promotions.offer")(function* ({ answers, model, run }) {
      return yield* atomically(
        Effect.gen(function* () {
          const offered = yield* Clock.currentTimeMillis
          yield* sql`INSERT INTO desk_models ${sql.insert({ model, run, state: "candidate", offered, answers })} ON CONFLICT (model) DO NOTHING`
          return yield* Effect.orDie(find(model))
        })
      )
    }),
    judge: Effect.fn("Promotions.judge")(function* (model, verdict) {
      return yield* atomically(
        Effect.gen(function* () {
          const { state } = yield* find(model)
          if (state !== "candidate" && state !== "heldBack" && state !== "passed")
            return yield* new NotPromotable({
              model,
              state,
              detail: `${model} is ${state}: only a candidate is judged`
            })
          const next = verdict.passes ? "passed" : "heldBack"
          yield* sql`UPDATE desk_models SET ${sql.update({ state: next, verdict: JSON.stringify(verdict) })} WHERE model = ${model}`
          return yield* find(model)
        })
      )
    }),
    promote: Effect.fn("Promotions.promote")(function* (model, by, options) {
      return yield* atomically(
        Effect.gen(function* () {
          const one = yield* find(model)
          if (one.state === "live") return one
          const [present] = yield* models(sql`SELECT ${fields} FROM desk_models WHERE state = 'live'`)
          const isAllowed =
            one.state !== "gone" &&
            (present === undefined || one.state === "passed" || one.state === "former" || options?.force === true)
          if (!isAllowed)
            return yield* new NotPromotable({
              model,
              state: one.state,
              detail:
                one.state === "gone"
                  ? `${model} was replaced more than ${formerKept} promotions ago, and its files may be gone`
                  : `${model} is ${one.state}: the gate has not let it through; an admin can insist with \`force\``
            })
          return yield* makeLive(model, by, "former")
        })
      )
    }),
    rollBack: Effect.fn("Promotions.rollBack")(function* (by) {
      return yield* atomically(
        Effect.gen(function* () {
          const [former] = yield* models(
            sql`SELECT ${fields} FROM desk_models WHERE state = 'former' ORDER BY promoted DESC, id DESC LIMIT 1`
          )
          if (former === undefined)
            return yield* new NotPromotable({
              model: "",
              state: null,
              detail: "there is no former model to go back to"
            })
          return yield* makeLive(former.model, by, "heldBack")
        })
      )
    })
  })
})
