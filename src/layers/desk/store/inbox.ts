/** What comes to the desk: images, suggestions, classes. */
import { Clock, Effect, Schema } from "effect"
import { byCodeUnit } from "../../../pipeline/hashOrder.ts"
import { certaintyOf, labelsOf, suggestedValue, textOf, valueOf } from "../../../run/serve/ColumnValue.ts"
import type { Arrival, Suggestion } from "../../../run/serve/Item.ts"
import type { DeskClass } from "../../../run/serve/DeskClass.ts"
import { NotAtDesk, QueueFull } from "../../../run/serve/DeskFaults.ts"
import { isBlind } from "../../../run/serve/order.ts"
import type { DeskTables } from "./deskTables.ts"
import { toDeskError } from "./deskTables.ts"
import { placesOf, sourceOf, standingOf, topsOf } from "./stored.ts"

/** What a model suggests first, as `desk_values` has it. */
const firstOf = (top: Suggestion["top"]) => ({ label: textOf(suggestedValue(top)), probability: certaintyOf(top) })

export const inboxOf = (tables: DeskTables) => {
  const { asItems, atomically, checkColumns, insertAll, isSeveral, load, rowsOf, settings, sql } = tables
  const { blindShare, columns, mostOpen, seed } = settings

  const arriveSome = Effect.fnUntraced(function* (arrivals: ReadonlyArray<Arrival>) {
    const now = yield* Clock.currentTimeMillis
    const before = new Set(
      (yield* load(
        arrivals.map(({ digest }) => digest),
        false
      )).map(({ row }) => row.digest)
    )
    const fresh = [...new Map(arrivals.map((one) => [one.digest, one])).values()].filter(
      ({ digest }) => !before.has(digest)
    )
    const standings = fresh.map((arrival) => {
      const values = columns.map((column) => ({ column, ...sourceOf(arrival.rows, column) }))
      const standing = {
        state: values.every(({ source }) => source !== null) ? ("labelled" as const) : ("open" as const),
        opinion: "none" as const,
        columns: values.map(({ column, source }) => ({
          column,
          value: source,
          skipped: false,
          first: null,
          second: null
        }))
      }
      return { arrival, values, standing }
    })
    const opened = standings.filter(({ standing }) => standing.state === "open").length
    if (opened > 0) {
      const [waiting] = yield* rowsOf(
        Schema.Struct({ n: Schema.Int }),
        sql`SELECT CAST(COUNT(*) AS INTEGER) AS n FROM desk_items WHERE state = 'open'`
      )
      if ((waiting?.n ?? 0) + opened > mostOpen)
        return yield* new QueueFull({ waiting: waiting?.n ?? 0, most: mostOpen })
    }
    yield* insertAll(
      "desk_items",
      standings.map(({ arrival, standing }) => ({
        digest: arrival.digest,
        name: arrival.name,
        origin: arrival.origin,
        came: now,
        part: arrival.part,
        state: standing.state,
        opinion: standing.opinion,
        blind: isBlind(seed, blindShare, arrival.digest) ? 1 : 0,
        version: 0,
        model: arrival.suggestions[0]?.model ?? null,
        ...placesOf(
          { digest: arrival.digest, came: now },
          standing,
          new Map(arrival.suggestions.map(({ column, top }) => [column, top])),
          seed
        )
      })),
      "ON CONFLICT (digest) DO NOTHING"
    )
    yield* insertAll(
      "desk_values",
      standings.flatMap(({ arrival, values }) => {
        const suggested = new Map(arrival.suggestions.map((one) => [one.column, one]))
        return values.map(({ column, conflict, source }, nth) => {
          const one = suggested.get(column)
          return {
            digest: arrival.digest,
            nth,
            col: column,
            source,
            conflict,
            value: source,
            skipped: 0,
            model: one?.model ?? null,
            run: one?.run ?? null,
            top: one === undefined ? null : JSON.stringify(one.top),
            ...(one === undefined ? { label: null, probability: null } : firstOf(one.top))
          }
        })
      }),
      "ON CONFLICT (digest, nth) DO NOTHING"
    )
    yield* insertAll(
      "desk_rows",
      arrivals.flatMap(({ digest, rows }) =>
        rows.map(({ id, values }) => ({ digest, row_id: id, cells: JSON.stringify(values) }))
      ),
      "ON CONFLICT (digest, row_id) DO NOTHING"
    )
  })

  const arrive = Effect.fn("Desk.arrive")(function* (arrivals: ReadonlyArray<Arrival>) {
    yield* checkColumns(arrivals.flatMap(({ suggestions }) => suggestions.map(({ column }) => column)))
    yield* checkColumns(
      arrivals.flatMap(({ rows }) => rows.flatMap(({ values }) => values.map(({ column }) => column)))
    )
    return yield* atomically(
      Effect.gen(function* () {
        yield* arriveSome(arrivals)
        return yield* asItems(
          yield* load(
            arrivals.map(({ digest }) => digest),
            false
          )
        )
      })
    )
  })

  const suggest = Effect.fn("Desk.suggest")(function* (
    all: ReadonlyArray<{ readonly digest: string; readonly suggestions: ReadonlyArray<Suggestion> }>
  ) {
    yield* checkColumns(all.flatMap(({ suggestions }) => suggestions.map(({ column }) => column)))
    const byDigest = new Map(all.map(({ digest, suggestions }) => [digest, suggestions]))
    yield* atomically(
      Effect.gen(function* () {
        for (const stored of yield* load([...byDigest.keys()], true)) {
          const { row, values } = stored
          const suggestions = byDigest.get(row.digest) ?? []
          for (const { column, model, run, top } of suggestions)
            yield* sql`UPDATE desk_values SET ${sql.update({
              model,
              run,
              top: JSON.stringify(top),
              ...firstOf(top)
            })} WHERE digest = ${row.digest} AND col = ${column}`
          const tops = new Map([...topsOf(values), ...suggestions.map(({ column, top }) => [column, top] as const)])
          yield* sql`UPDATE desk_items SET ${sql.update({
            model: suggestions[0]?.model ?? row.model,
            ...placesOf(row, standingOf(stored), tops, seed)
          })} WHERE digest = ${row.digest}`
        }
      })
    )
  })
  const withoutSuggestion = Effect.fn("Desk.withoutSuggestion")(function* (model: string, most: number) {
    const rows = yield* toDeskError(
      rowsOf(
        Schema.Struct({ digest: Schema.String }),
        sql`SELECT digest FROM desk_items WHERE model IS NULL OR model <> ${model} ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, place_newest, digest LIMIT ${most}`
      )
    )
    return rows.map(({ digest }) => digest)
  })

  const item = Effect.fn("Desk.item")(function* (digest: string) {
    return yield* toDeskError(
      Effect.gen(function* () {
        const [one] = yield* asItems(yield* load([digest], false))
        return one ?? (yield* new NotAtDesk({ what: "item", name: digest }))
      })
    )
  })

  const declareClasses = Effect.fn("Desk.declareClasses")(function* (
    classes: ReadonlyArray<{ readonly column: string; readonly label: string; readonly trained: number }>
  ) {
    yield* checkColumns(classes.map(({ column }) => column))
    yield* atomically(
      Effect.gen(function* () {
        yield* sql`DELETE FROM desk_classes`
        yield* insertAll(
          "desk_classes",
          classes.map(({ column, label, trained }) => ({ col: column, label, trained })),
          "ON CONFLICT (col, label) DO UPDATE SET trained = excluded.trained"
        )
      })
    )
  })

  const Counted = Schema.Struct({ col: Schema.String, label: Schema.String, n: Schema.Int })

  const classes = toDeskError(
    Effect.gen(function* () {
      const trained = yield* rowsOf(Counted, sql`SELECT col, label, trained AS n FROM desk_classes`)
      const given = yield* rowsOf(
        Counted,
        sql`SELECT v.col, v.value AS label, CAST(COUNT(*) AS INTEGER) AS n FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.value IS NOT NULL AND i.answered_by IS NOT NULL GROUP BY v.col, v.value`
      )
      const predicted = yield* rowsOf(
        Counted,
        sql`SELECT v.col, v.label, CAST(COUNT(*) AS INTEGER) AS n FROM desk_values v JOIN desk_items i ON i.digest = v.digest WHERE v.label IS NOT NULL AND v.value IS NULL AND v.skipped = 0 AND i.state = 'open' AND i.blind = 0 GROUP BY v.col, v.label`
      )
      const all = new Map<string, DeskClass>()
      const add = (rows: ReadonlyArray<typeof Counted.Type>, of: "trained" | "answers" | "predicted") => {
        for (const { col, label, n } of rows) {
          // Each class of an answered set counts. The grid shows only photos whose suggested set is a single class.
          const labels = of === "trained" ? [label] : labelsOf(valueOf(label, isSeveral(col)))
          if (of === "predicted" && labels.length !== 1) continue
          for (const label of labels) {
            const key = JSON.stringify([col, label])
            const one = all.get(key) ?? { column: col, label, trained: 0, answers: 0, predicted: 0 }
            all.set(key, { ...one, [of]: one[of] + n })
          }
        }
      }
      add(trained, "trained")
      add(given, "answers")
      add(predicted, "predicted")
      const position = new Map(columns.map((column, index) => [column, index]))
      return [...all.values()].sort(
        (a, b) =>
          (position.get(a.column) ?? 0) - (position.get(b.column) ?? 0) ||
          b.trained + b.answers - a.trained - a.answers ||
          byCodeUnit(a.label, b.label)
      )
    })
  )

  return { arrive, suggest, withoutSuggestion, item, declareClasses, classes }
}
