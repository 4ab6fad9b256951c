import { assert, describe, it } from "@effect/vitest"
import type { Layer, Scope } from "effect"
import { Effect, Exit, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import { draw } from "../../../../src/pipeline/draw.ts"
import type { Value } from "../../../../src/run/serve/ColumnValue.ts"
import { textOf } from "../../../../src/run/serve/ColumnValue.ts"
import type { Arrival } from "../../../../src/run/serve/Item.ts"
import type { DeskSettings } from "../../../../src/run/serve/Desk.ts"
import type { Order, Task } from "../../../../src/run/serve/Task.ts"
import { defaultSettings, Desk } from "../../../../src/run/serve/Desk.ts"
import type { Orderable } from "../../../../src/run/serve/order.ts"
import { isBlind, placeIn } from "../../../../src/run/serve/order.ts"
import type { Verdict } from "../../../../src/run/serve/gate.ts"
import { Promotions } from "../../../../src/run/serve/Promotions.ts"
import { digestOf, labels, uploaded } from "./uploaded.ts"

/** A row of the catalogue that has its label, or none. */
const listed = (n: number, label: string | null, part: Arrival["part"] = "train"): Arrival => ({
  ...uploaded(n),
  origin: "catalogue",
  part,
  rows: [{ id: `row-${n}`, values: [{ column: "articleType", value: label }] }]
})

const many = (count: number, columns?: ReadonlyArray<string>) =>
  Array.from({ length: count }, (_, n) => uploaded(n, columns))

const one = { columns: ["articleType"], ...defaultSettings, blindShare: 0 } as const satisfies DeskSettings
const two = { ...one, columns: ["articleType", "baseColour"] } as const satisfies DeskSettings

const tags = { ...one, columns: ["tags"], separators: { tags: ";" } } as const satisfies DeskSettings

/** An image with a set of tags suggested: by class its probability, each from 0.5 on. With `has` it is the catalogue's. */
const tagged = (n: number, suggested: Readonly<Record<string, number>>, has?: ReadonlyArray<string>): Arrival => {
  const [first, ...others] = Object.entries(suggested).map(([label, probability]) => ({
    label,
    probability,
    threshold: 0.5
  }))
  return {
    ...uploaded(n),
    ...(has !== undefined && {
      origin: "catalogue",
      part: "train",
      rows: [{ id: `row-${n}`, values: [{ column: "tags", value: has }] }]
    }),
    suggestions: first === undefined ? [] : [{ column: "tags", model: "m1", run: "runs/shop", top: [first, ...others] }]
  }
}

const answerOf = (task: Pick<Task, "digest" | "version">, value: string | null, column = "articleType") => ({
  digest: task.digest,
  version: task.version,
  values: [{ column, value }] as const,
  seconds: 1.5
})

const only = <A>(all: ReadonlyArray<A>): A => {
  assert.strictEqual(all.length, 1)
  // Its length was just asserted.
  return all[0] as A
}

/** A layer of a new, empty desk; each call another one. */
export type NewDesk<E> = (
  settings: DeskSettings
) => Effect.Effect<Layer.Layer<Desk | Promotions, E>, never, Scope.Scope>

/** What every store of the desk must do. */
export const deskContract = <E>(name: string, fresh: NewDesk<E>): void => {
  const withDesk = <A, F>(settings: DeskSettings, body: Effect.Effect<A, F, Desk | Promotions | Scope.Scope>) =>
    Effect.gen(function* () {
      const layer = yield* fresh(settings)
      return yield* Effect.provide(body, layer)
    })

  describe(name, () => {
    it.effect("takes the same image in once, whoever sends it and however often", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          const first = yield* desk.arrive([uploaded(1), uploaded(2), uploaded(1)])
          assert.deepStrictEqual(
            first.map(({ digest, state, version }) => [digest, state, version]),
            [1, 2, 1].map((n) => [digestOf(n), "open", 0])
          )
          yield* desk.arrive([{ ...uploaded(1), name: "another name.jpg" }])
          assert.strictEqual((yield* desk.progress).total, 2)
          assert.strictEqual((yield* desk.item(digestOf(1))).name, "photo-1.jpg")
          assert.deepStrictEqual((yield* desk.item(digestOf(2))).suggestions, uploaded(2).suggestions)
          const missing = yield* Effect.flip(desk.item(digestOf(3)))
          assert.strictEqual(missing._tag, "NotAtDesk")
        })
      )
    )

    it.effect("refuses an arrival beyond its bound as a whole, and one with a column that it does not have", () =>
      withDesk(
        { ...one, mostOpen: 3 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(2))
          const full = yield* Effect.flip(desk.arrive([uploaded(2), uploaded(3)]))
          assert.strictEqual(full._tag, "QueueFull")
          assert.strictEqual((yield* desk.progress).total, 2)
          assert.strictEqual((yield* Effect.flip(desk.arrive([uploaded(9, ["season"])])))._tag, "NotAtDesk")
          const [task] = yield* desk.next({ operator: "ann", order: "newest", count: 1 })
          const wrong = yield* Effect.flip(desk.answer("ann", answerOf(task!, "Shirts", "season")))
          assert.strictEqual(wrong._tag, "NotAtDesk")
        })
      )
    )

    it.effect("leases an item to one operator at a time, to the same one again, and to others after its time", () =>
      withDesk(
        { ...one, leaseSeconds: 60 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(4))
          const next = (operator: string, count: number) => desk.next({ operator, order: "surest", count })
          const ann = yield* next("ann", 3)
          const bea = yield* next("bea", 3)
          assert.strictEqual(ann.length, 3)
          assert.strictEqual(bea.length, 1)
          assert.strictEqual(new Set([...ann, ...bea].map(({ digest }) => digest)).size, 4)
          const again = yield* next("ann", 3)
          assert.deepStrictEqual(
            again.map(({ digest }) => digest),
            ann.map(({ digest }) => digest)
          )
          yield* TestClock.adjust("59 seconds")
          assert.strictEqual((yield* next("cat", 9)).length, 0)
          assert.strictEqual((yield* desk.renew("bea", [bea[0]!.digest, ann[0]!.digest])).length, 1)
          yield* TestClock.adjust("1 second")
          const cat = yield* next("cat", 2)
          assert.strictEqual(cat.length, 2)
          // One of ann's leases ran out and is free still, two are another's now.
          const taken = new Set(cat.map(({ digest }) => digest))
          for (const task of ann) {
            const result = yield* Effect.result(desk.answer("ann", answerOf(task, "Jeans")))
            if (taken.has(task.digest)) assert.strictEqual(Result.isFailure(result) && result.failure._tag, "LeaseLost")
            else assert.isTrue(Result.isSuccess(result))
          }
        })
      )
    )

    it.effect("keeps the first of two answers, and shows it to the other", () =>
      withDesk(
        { ...one, leaseSeconds: 60 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(1))
          const late = only(yield* desk.next({ operator: "ann", order: "newest", count: 1 }))
          yield* TestClock.adjust("61 seconds")
          const task = only(yield* desk.next({ operator: "bea", order: "newest", count: 1 }))
          const done = yield* desk.answer("bea", answerOf(task, "Heels"))
          assert.deepStrictEqual(done, { digest: digestOf(0), version: 1, state: "answered", opinion: "none" })
          const conflict = yield* Effect.flip(desk.answer("ann", answerOf(late, "Socks")))
          assert.strictEqual(conflict._tag, "AnswerConflict")
          if (conflict._tag === "AnswerConflict") {
            assert.strictEqual(conflict.version, 1)
            assert.strictEqual(conflict.answer?.operator, "bea")
            assert.deepStrictEqual(conflict.answer?.values, [{ column: "articleType", value: "Heels" }])
          }
          // The same answer twice: a reply that was lost on its way does not count double.
          assert.strictEqual((yield* Effect.flip(desk.answer("bea", answerOf(task, "Heels"))))._tag, "AnswerConflict")
          assert.strictEqual((yield* desk.log({ before: null, count: 9, digest: null, operator: null })).length, 1)
          // Without having looked at it, nobody changes another's answer.
          const blindly = yield* Effect.flip(desk.answer("ann", answerOf({ digest: digestOf(0), version: 1 }, "Socks")))
          assert.strictEqual(blindly._tag, "LeaseLost")
          const taken = yield* desk.take("ann", digestOf(0))
          assert.strictEqual(taken.lease.task, "correct")
          assert.strictEqual(taken.columns[0].value, "Heels")
          yield* desk.answer("ann", answerOf(taken, "Socks"))
          assert.strictEqual((yield* desk.item(digestOf(0))).answer?.operator, "ann")
        })
      )
    )

    it.effect("hands items out in each order as the pure functions place them", () =>
      withDesk(
        { ...one, seed: 7 },
        Effect.gen(function* () {
          const desk = yield* Desk
          for (const part of [many(40).slice(0, 15), many(40).slice(15)]) {
            yield* desk.arrive(part)
            yield* TestClock.adjust("1 second")
          }
          yield* desk.arrive(Array.from({ length: 12 }, (_, n) => listed(100 + n, labels[n % 6] ?? "")))
          yield* desk.arrive([{ ...uploaded(200), suggestions: [] }])
          const items = yield* Effect.forEach(
            [
              ...many(40).map(({ digest }) => digest),
              ...Array.from({ length: 12 }, (_, n) => digestOf(100 + n)),
              digestOf(200)
            ],
            (digest) => desk.item(digest)
          )
          const orderable = items.map(
            ({ answer, came, digest, state, suggestions }): Orderable & { readonly state: string } => ({
              digest,
              came,
              state,
              suggested: suggestions.map(({ top: [first, second] }) => ({
                label: first.label,
                first: first.probability,
                second: second?.probability ?? 0,
                value: answer === null || answer.values[0]?.value == null ? null : textOf(answer.values[0].value)
              })),
              disputed: false
            })
          )
          const expected = (order: Order, fits: (item: (typeof orderable)[number]) => boolean) =>
            orderable
              .filter(fits)
              .map((item) => ({ digest: item.digest, place: placeIn[order](item, 7) }))
              .sort((a, b) => a.place - b.place || (a.digest < b.digest ? -1 : 1))
              .map(({ digest }) => digest)
          for (const order of ["newest", "leastMargin", "surest"] as const) {
            const given = yield* desk.next({ operator: "ann", order, count: 100 })
            assert.deepStrictEqual(
              given.map(({ digest }) => digest),
              expected(order, ({ state }) => state === "open"),
              order
            )
          }
          const doubted = yield* desk.next({ operator: "ann", order: "disagreement", count: 100 })
          const inDoubt = expected(
            "disagreement",
            (item) => item.state === "labelled" && placeIn.disagreement(item, 7) < 0
          )
          assert.isAbove(inDoubt.length, 3)
          assert.deepStrictEqual(
            doubted.slice(0, inDoubt.length).map(({ digest }) => digest),
            inDoubt
          )
          assert.isTrue(doubted.slice(0, inDoubt.length).every(({ lease }) => lease.task === "correct"))
          const audited = yield* desk.next({ operator: "ann", order: "audit", count: 100 })
          assert.deepStrictEqual(
            audited.map(({ digest }) => digest),
            expected("audit", ({ state }) => state === "labelled")
          )
          assert.isTrue(audited.every(({ columns, lease }) => lease.task === "second" && columns[0].value === null))
        })
      )
    )

    it.effect("withholds the suggestions of the blind share, and records what the model would have said", () =>
      withDesk(
        { ...one, blindShare: 0.3 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(60))
          const tasks = yield* desk.next({ operator: "ann", order: "surest", count: 60 })
          const blind = tasks.filter((task) => task.blind)
          assert.deepStrictEqual(
            blind.map(({ digest }) => digest).toSorted(),
            many(60)
              .map(({ digest }) => digest)
              .filter((digest) => isBlind(1, 0.3, digest))
              .toSorted()
          )
          assert.isAbove(blind.length, 8)
          for (const task of tasks) {
            assert.strictEqual(task.columns[0].suggestions.length, task.blind ? 0 : 2)
            assert.strictEqual(task.model === null, task.blind)
          }
          yield* desk.answer("ann", answerOf(blind[0]!, "Jeans"))
          const line = only(yield* desk.log({ before: null, count: 9, digest: null, operator: null }))
          const [said] = uploaded(Number.parseInt(blind[0]!.digest, 16) - 1).suggestions[0]!.top
          assert.isTrue(line.blind)
          assert.strictEqual(line.suggested, said.label)
          assert.strictEqual(line.probability, said.probability)
          assert.strictEqual(line.model, "m1")
          assert.strictEqual(line.seconds, 1.5)
          const inGrid = yield* Effect.forEach(labels, (label) =>
            desk.grid({ operator: "bea", column: "articleType", label, count: 100 })
          )
          assert.strictEqual(inGrid.flat().filter((task) => task.blind).length, 0)
        })
      )
    )

    it.effect(
      "gets a second opinion from another operator without sight of the first, and lets a dispute be settled",
      () =>
        withDesk(
          one,
          Effect.gen(function* () {
            const desk = yield* Desk
            yield* desk.arrive(many(2))
            for (const task of yield* desk.next({ operator: "ann", order: "newest", count: 2 }))
              yield* desk.answer("ann", answerOf(task, "Shirts"))
            const asked = yield* desk.askSecond("ann", [digestOf(0), digestOf(1)])
            assert.deepStrictEqual(
              asked.map(({ opinion }) => opinion),
              ["wanted", "wanted"]
            )
            assert.strictEqual((yield* desk.askSecond("ann", [digestOf(0)])).length, 0)
            assert.strictEqual((yield* desk.next({ operator: "ann", order: "newest", count: 9 })).length, 0)
            const tasks = yield* desk.next({ operator: "bea", order: "surest", count: 9 })
            assert.strictEqual(tasks.length, 2)
            for (const { columns, lease, opinions } of tasks) {
              assert.strictEqual(lease.task, "second")
              assert.strictEqual(columns[0].value, null)
              assert.strictEqual(opinions.length, 0)
            }
            const audit = yield* desk.audit({ operator: "bea", list: "labelErrors", from: 0, count: 9 })
            assert.isTrue(audit.every(({ item }) => item.answer === null))
            const [same, other] = tasks
            assert.strictEqual((yield* desk.answer("bea", answerOf(same!, "Shirts"))).opinion, "agreed")
            assert.strictEqual((yield* desk.answer("bea", answerOf(other!, "Jeans"))).opinion, "disputed")
            // What somebody gave stays until it is settled.
            assert.strictEqual((yield* desk.item(other!.digest)).answer?.values[0]?.value, "Shirts")
            const disputed = only(yield* desk.audit({ operator: "cat", list: "disagreements", from: 0, count: 9 }))
            assert.strictEqual(disputed.item.digest, other!.digest)
            assert.strictEqual(disputed.other, "Jeans")
            const settling = only(yield* desk.next({ operator: "cat", order: "disagreement", count: 9 }))
            assert.strictEqual(settling.lease.task, "settle")
            assert.deepStrictEqual(
              settling.opinions.map(({ operator, values }) => [operator, values[0]?.value]),
              [
                ["ann", "Shirts"],
                ["bea", "Jeans"]
              ]
            )
            assert.strictEqual((yield* desk.answer("cat", answerOf(settling, "Jeans"))).opinion, "settled")
            assert.strictEqual((yield* desk.item(other!.digest)).answer?.values[0]?.value, "Jeans")
            const [honest] = yield* desk.honesty(null)
            assert.deepStrictEqual([honest?.peopleShown.hits, honest?.peopleShown.of], [1, 2])
            const { operators } = yield* desk.progress
            const ann = operators.find(({ operator }) => operator === "ann")
            assert.deepStrictEqual([ann?.seconded.hits, ann?.seconded.of], [1, 2])
          })
        )
    )

    it.effect("hides the first answer in the conflict of a second opinion, and takes opinions back", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(1))
          const task = only(yield* desk.next({ operator: "ann", order: "newest", count: 1 }))
          yield* desk.answer("ann", answerOf(task, "Shirts"))
          yield* desk.askSecond("adm", [task.digest])
          const second = only(yield* desk.next({ operator: "bea", order: "newest", count: 1 }))
          const stale = yield* Effect.flip(desk.answer("bea", answerOf({ ...second, version: 0 }, "Jeans")))
          assert.strictEqual(stale._tag === "AnswerConflict" && stale.answer, null)
          yield* desk.answer("bea", answerOf(second, "Jeans"))
          // Somebody has built on it since: ann's answer is not taken back over bea's opinion.
          assert.strictEqual((yield* Effect.flip(desk.undo("ann")))._tag, "NothingToUndo")
          const undone = only(yield* desk.undo("bea"))
          assert.strictEqual(undone.lease.task, "second")
          assert.strictEqual(undone.columns[0].value, null)
          assert.strictEqual((yield* desk.item(task.digest)).opinion, "wanted")
          assert.strictEqual((yield* desk.answer("bea", answerOf(undone, "Shirts"))).opinion, "agreed")
        })
      )
    )

    it.effect("confirms a grid by one key and takes it back by one", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(80))
          const classes = yield* desk.classes
          const largest = classes.reduce((a, b) => (b.predicted > a.predicted ? b : a))
          assert.isAbove(largest.predicted, 10)
          const { label } = largest
          const grid = yield* desk.grid({ operator: "ann", column: "articleType", label, count: 50 })
          assert.strictEqual(grid.length, largest.predicted)
          const sure = grid.map(({ columns }) => columns[0].suggestions[0]?.probability ?? 0)
          assert.deepStrictEqual(
            sure,
            sure.toSorted((a, b) => b - a)
          )
          assert.isTrue(grid.every(({ columns }) => columns[0].suggestions[0]?.label === label))
          const [wrong, ...right] = grid
          const { confirmed, failed } = yield* desk.confirm("ann", {
            column: "articleType",
            label,
            items: [...right, { digest: digestOf(9999), version: 0 }, { ...wrong!, version: 3 }],
            seconds: 10
          })
          assert.strictEqual(confirmed.length, right.length)
          assert.deepStrictEqual(
            failed.map(({ _tag }) => _tag),
            ["NotAtDesk", "AnswerConflict"]
          )
          assert.strictEqual((yield* desk.progress).answered, right.length)
          const undone = yield* desk.undo("ann")
          assert.strictEqual(undone.length, right.length)
          assert.strictEqual((yield* desk.progress).answered, 0)
          assert.strictEqual((yield* Effect.flip(desk.undo("ann")))._tag, "NothingToUndo")
        })
      )
    )

    it.effect("records skips, gives an item back to the queue, and to the same operator after all others", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(3))
          const next = (operator: string, count = 1) => desk.next({ operator, order: "surest", count })
          const first = only(yield* next("ann"))
          const released = yield* desk.putBack("ann", first)
          assert.deepStrictEqual([released.state, released.version], ["open", 0])
          const others = yield* next("ann", 2)
          assert.isFalse(others.some(({ digest }) => digest === first.digest))
          // Now nothing else is left for ann, and nobody's queue is empty for what somebody gave back.
          assert.isTrue((yield* next("ann", 3)).some(({ digest }) => digest === first.digest))
          const back = only(yield* desk.undo("ann"))
          assert.strictEqual(back.digest, first.digest)
          const skipped = yield* desk.skip("ann", { ...others[0]!, seconds: 2 })
          assert.strictEqual(skipped.state, "skipped")
          assert.strictEqual(
            only(yield* desk.audit({ operator: "bea", list: "skipped", from: 0, count: 9 })).item.digest,
            skipped.digest
          )
          const taken = yield* desk.take("bea", skipped.digest)
          assert.strictEqual((yield* desk.putBack("bea", taken)).state, "open")
          yield* desk.undo("bea")
          assert.strictEqual((yield* desk.item(skipped.digest)).state, "skipped")
          const history = yield* desk.audit({ operator: "ann", list: "history", from: 0, count: 9 })
          assert.deepStrictEqual(
            history.map(({ item }) => item.digest),
            [skipped.digest]
          )
          const actions = (yield* desk.log({ before: null, count: 99, digest: null, operator: null })).map(
            ({ action, operator }) => `${operator} ${action}`
          )
          assert.deepStrictEqual(actions.toReversed(), [
            "ann release",
            "ann undo",
            "ann skip",
            "bea return",
            "bea undo"
          ])
        })
      )
    )

    it.effect("answers the columns of an item one by one or together", () =>
      withDesk(
        two,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(3, two.columns))
          const [task, other, third] = yield* desk.next({ operator: "ann", order: "newest", count: 3 })
          const part = yield* desk.answer("ann", answerOf(task!, "Shirts"))
          assert.strictEqual(part.state, "open")
          const again = (yield* desk.next({ operator: "ann", order: "newest", count: 3 })).find(
            ({ digest }) => digest === task!.digest
          )
          assert.deepStrictEqual(
            again?.columns.map(({ column, value }) => [column, value]),
            [
              ["articleType", "Shirts"],
              ["baseColour", null]
            ]
          )
          const whole = yield* desk.answer("ann", answerOf(again!, "Navy Blue", "baseColour"))
          assert.strictEqual(whole.state, "answered")
          yield* desk.answer("ann", {
            ...answerOf(other!, null),
            values: [
              { column: "articleType", value: null },
              { column: "baseColour", value: "Red" }
            ]
          })
          assert.strictEqual((yield* desk.item(other!.digest)).state, "answered")
          assert.strictEqual((yield* desk.skip("ann", { ...third!, seconds: null })).state, "skipped")
          const cells = yield* Stream.runCollect(desk.corrections({ of: "all" }))
          assert.deepStrictEqual(
            cells.map(({ column, from, row, to }) => [column, from, row, to]),
            [
              ["articleType", null, null, "Shirts"],
              ["baseColour", null, null, "Navy Blue"],
              ["baseColour", null, null, "Red"]
            ].toSorted((a, b) => cells.findIndex(({ to }) => to === a[3]) - cells.findIndex(({ to }) => to === b[3]))
          )
          for (;;) {
            const undone = yield* Effect.exit(desk.undo("ann"))
            if (Exit.isFailure(undone)) break
          }
          assert.strictEqual((yield* desk.progress).open, 3)
          assert.strictEqual((yield* Stream.runCollect(desk.corrections({ of: "all" }))).length, 0)
        })
      )
    )

    it.effect("is as at the beginning once everybody has taken everything back, and the log has it all", () =>
      withDesk(
        { ...one, blindShare: 0.2 },
        Effect.gen(function* () {
          const desk = yield* Desk
          const all = [...many(30), ...Array.from({ length: 10 }, (_, n) => listed(50 + n, labels[n % 3] ?? ""))]
          const before = yield* desk.arrive(all)
          const random = draw("undo everything")
          const operators = ["ann", "bea", "cat"]
          const orders = ["newest", "leastMargin", "surest", "disagreement", "audit"] as const
          for (let step = 0; step < 200; step++) {
            const operator = operators[random.below(3)] ?? ""
            const label = labels[random.below(6)] ?? ""
            const tasks = yield* desk.next({ operator, order: orders[random.below(5)] ?? "newest", count: 2 })
            const [task] = tasks
            const act = random.below(7)
            if (act === 0 && task !== undefined) yield* desk.skip(operator, { ...task, seconds: null })
            else if (act === 1 && task !== undefined) yield* desk.putBack(operator, task)
            else if (act === 2) yield* desk.askSecond(operator, [all[random.below(40)]!.digest])
            else if (act === 3) yield* Effect.result(desk.undo(operator))
            else if (act === 4) {
              const taken = yield* Effect.result(desk.take(operator, all[random.below(40)]!.digest))
              if (Result.isSuccess(taken)) yield* desk.answer(operator, answerOf(taken.success, label))
            } else if (act === 5)
              yield* desk.confirm(operator, { column: "articleType", label, items: tasks, seconds: 3 })
            else if (task !== undefined) yield* desk.answer(operator, answerOf(task, label))
          }
          const lines = yield* desk.log({ before: null, count: 10_000, digest: null, operator: null })
          assert.isAbove(lines.length, 150)
          assert.isAbove((yield* Stream.runCollect(desk.corrections({ of: "all" }))).length, 5)
          // Somebody may have built on another's change, so that it takes several rounds.
          for (let open = true; open;) {
            open = false
            for (const operator of operators)
              while (Result.isSuccess(yield* Effect.result(desk.undo(operator)))) open = true
          }
          const after = yield* Effect.forEach(before, ({ digest }) => desk.item(digest))
          assert.deepStrictEqual(
            after.map((item) => ({ ...item, version: 0 })),
            before
          )
          assert.strictEqual((yield* Stream.runCollect(desk.corrections({ of: "all" }))).length, 0)
          const kept = yield* desk.log({ before: null, count: 10_000, digest: null, operator: null })
          assert.deepStrictEqual(kept.slice(-lines.length), lines)
        })
      )
    )

    it.effect("keeps hostile labels and names as they are", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          const hostile = [
            "<script>alert(1)</script>",
            "'; DROP TABLE desk_items; --",
            '"},{"a":"b',
            "=cmd|'/c calc'!A1",
            "../../../etc/passwd",
            "‮gnp.exe",
            "%00%2e%2e",
            "naïve 🧦 été",
            "$1 ? ?1 :a @b",
            "__proto__"
          ]
          yield* desk.arrive(hostile.map((name, n) => ({ ...uploaded(n), name })))
          for (const [n, name] of hostile.entries()) {
            const task = yield* desk.take(name, digestOf(n))
            assert.strictEqual(task.name, name)
            yield* desk.answer(name, answerOf(task, name))
            assert.deepStrictEqual((yield* desk.item(digestOf(n))).answer?.values, [
              { column: "articleType", value: name }
            ])
            const line = only(yield* desk.log({ before: null, count: 9, digest: null, operator: name }))
            assert.strictEqual(line.to, name)
          }
          const classes = yield* desk.classes
          assert.deepStrictEqual(
            classes.flatMap(({ answers, label }) => (answers > 0 ? [label] : [])).toSorted(),
            hostile.toSorted()
          )
          assert.strictEqual((yield* desk.progress).total, hostile.length)
        })
      )
    )

    it.effect("lists the classes by frequency, those that people add as well", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.declareClasses([
            { column: "articleType", label: "Jeans", trained: 20 },
            { column: "articleType", label: "Ties", trained: 900 }
          ])
          yield* desk.arrive(many(4))
          for (const task of yield* desk.next({ operator: "ann", order: "newest", count: 3 }))
            yield* desk.answer("ann", answerOf(task, "Waistcoat"))
          const classes = yield* desk.classes
          assert.deepStrictEqual(
            classes
              .filter(({ answers, trained }) => answers + trained > 0)
              .map(({ answers, label, trained }) => [label, trained, answers]),
            [
              ["Ties", 900, 0],
              ["Jeans", 20, 0],
              ["Waistcoat", 0, 3]
            ]
          )
          assert.strictEqual(
            classes.reduce((sum, { predicted }) => sum + predicted, 0),
            1
          )
        })
      )
    )

    it.effect("measures the model by blind answers, and by how much suggestions pull answers", () =>
      withDesk(
        { ...one, blindShare: 0.5 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive(many(200))
          const tasks = yield* desk.next({ operator: "ann", order: "newest", count: 200 })
          let blind = 0
          let shown = 0
          for (const task of tasks) {
            const said = uploaded(Number.parseInt(task.digest, 16) - 1).suggestions[0]!.top[0].label
            // Of the blind ones 3 of 4 agree, of the others 9 of 10.
            const agrees = task.blind ? blind++ % 4 !== 0 : shown++ % 10 !== 0
            yield* desk.answer("ann", answerOf(task, agrees ? said : "Ties"))
            yield* TestClock.adjust("36 seconds")
          }
          const honest = only(yield* desk.honesty(null))
          assert.deepStrictEqual([honest.model.hits, honest.model.of], [blind - Math.ceil(blind / 4), blind])
          assert.deepStrictEqual([honest.shown.hits, honest.shown.of], [shown - Math.ceil(shown / 10), shown])
          const expected = honest.shown.hits / shown - honest.model.hits / blind
          assert.closeTo(honest.bias?.difference ?? 0, expected, 1e-12)
          assert.isBelow(honest.bias?.interval.low ?? 1, expected)
          assert.isAbove(honest.bias?.interval.low ?? 0, 0)
          const ann = only((yield* desk.progress).operators)
          assert.closeTo(ann.perHour ?? 0, 200 / (199 / 100), 1e-9)
          assert.deepStrictEqual([ann.agreement.hits, ann.agreement.of], [honest.shown.hits, shown])
          // What was taken back counts no more.
          yield* desk.undo("ann")
          const after = only(yield* desk.honesty(null))
          assert.strictEqual(after.model.of + after.shown.of, 199)
          const held = yield* desk.blindAnswers(null)
          assert.strictEqual(held.length, after.model.of)
          assert.strictEqual((yield* desk.blindAnswers(1e15)).length, 0)
        })
      )
    )

    it.effect(
      "gives corrections of rows and uploads; to train on, without the parts and answers that are measured on",
      () =>
        withDesk(
          { ...one, blindShare: 0.5 },
          Effect.gen(function* () {
            const desk = yield* Desk
            const shared: Arrival = {
              ...listed(5, "Jeans"),
              rows: [
                { id: "a", values: [{ column: "articleType", value: "Jeans" }] },
                { id: "b", values: [{ column: "articleType", value: "Shirts" }] }
              ]
            }
            yield* desk.arrive([
              listed(1, "Jeans", "train"),
              listed(2, "Jeans", "test"),
              listed(3, null, "train"),
              listed(4, "Heels", "train"),
              shared,
              ...many(40).slice(20)
            ])
            assert.strictEqual(
              only(yield* desk.audit({ operator: "ann", list: "conflicts", from: 0, count: 9 })).other,
              "Shirts"
            )
            assert.strictEqual((yield* Stream.runCollect(desk.corrections({ of: "all" }))).length, 0)
            const give = Effect.fnUntraced(function* (n: number, label: string) {
              const task = yield* desk.take("ann", digestOf(n))
              yield* desk.answer("ann", answerOf(task, label))
            })
            for (const n of [1, 2, 3, 4, 5, ...Array.from({ length: 20 }, (_, i) => 20 + i)]) yield* give(n, "Heels")
            const all = yield* Stream.runCollect(desk.corrections({ of: "all" }))
            assert.deepStrictEqual(
              all.filter(({ row }) => row !== null).map(({ from, row, to }) => [row, from, to]),
              [
                ["row-1", "Jeans", "Heels"],
                ["row-2", "Jeans", "Heels"],
                ["row-3", null, "Heels"],
                ["a", "Jeans", "Heels"],
                ["b", "Shirts", "Heels"]
              ]
            )
            assert.strictEqual(all.filter(({ row }) => row === null).length, 20)
            const isHeld = (digest: string) => isBlind(1, 0.5, digest)
            const forTraining = yield* Stream.runCollect(desk.corrections({ of: "training" }))
            assert.deepStrictEqual(
              forTraining,
              all.filter(({ digest, row }) => row !== "row-2" && !isHeld(digest))
            )
            assert.isAbove(all.length, forTraining.length + 1)
            assert.strictEqual(yield* desk.answersSince(null), 25)
            // Once a model is promoted, the blind answers before it may be trained on.
            const promotions = yield* Promotions
            yield* TestClock.adjust("1 second")
            yield* promotions.offer({ model: "m1", run: "runs/1", answers: 0 })
            yield* promotions.promote("m1", "adm")
            assert.deepStrictEqual(
              yield* Stream.runCollect(desk.corrections({ of: "training" })),
              all.filter(({ row }) => row !== "row-2")
            )
          })
        )
    )

    it.effect("keeps sets in a column with several values: equal whatever their order, and each class counted", () =>
      withDesk(
        tags,
        Effect.gen(function* () {
          const desk = yield* Desk
          const [first] = yield* desk.arrive([
            tagged(1, { red: 0.9, cotton: 0.7, blue: 0.2 }),
            tagged(2, { red: 0.8, cotton: 0.1 }),
            tagged(3, { red: 0.4, cotton: 0.1 }),
            tagged(4, { red: 0.6, cotton: 0.3 }, ["blue", "cotton"])
          ])
          assert.strictEqual(first?.state, "open")
          const [task] = yield* desk.next({ operator: "ann", order: "surest", count: 1 })
          // Of a set the least sure class counts: 0.9 of the second one's, against 0.7 and 0.6.
          assert.strictEqual(task?.digest, digestOf(2))
          assert.deepStrictEqual(task?.columns[0], {
            column: "tags",
            several: true,
            value: null,
            suggestions: [
              { label: "red", probability: 0.8, threshold: 0.5 },
              { label: "cotton", probability: 0.1, threshold: 0.5 }
            ]
          })
          const answer = (operator: string, n: number, value: Value) =>
            Effect.flatMap(desk.take(operator, digestOf(n)), ({ digest, version }) =>
              desk.answer(operator, { digest, version, values: [{ column: "tags", value }], seconds: 2 })
            )
          // One class is no list, a list has no twice divided value, and a class that divides itself is two.
          for (const wrong of ["red", ["red;cotton"]])
            assert.strictEqual((yield* Effect.flip(answer("ann", 1, wrong)))._tag, "WrongValue")
          yield* answer("ann", 1, ["cotton", "red", "red"])
          assert.deepStrictEqual((yield* desk.item(digestOf(1))).answer?.values, [
            { column: "tags", value: ["cotton", "red"] }
          ])
          yield* desk.askSecond("ann", [digestOf(1)])
          // The same set in another order agrees; another one does not.
          assert.strictEqual((yield* answer("bob", 1, ["red", "cotton"])).opinion, "agreed")
          yield* desk.undo("bob")
          assert.strictEqual((yield* answer("bob", 1, ["red"])).opinion, "disputed")
          const [entry] = yield* desk.audit({ operator: "cid", list: "disagreements", from: 0, count: 9 })
          assert.deepStrictEqual(entry?.other, ["red"])
          yield* desk.undo("bob")
          const [line] = (yield* desk.log({ before: null, count: 9, digest: digestOf(1), operator: "ann" })).filter(
            ({ action }) => action === "answer"
          )
          assert.deepStrictEqual(
            [line?.from, line?.to, line?.suggested, line?.probability],
            [null, ["cotton", "red"], ["cotton", "red"], 0.7]
          )
          // The empty set is an answer, too; nothing is none.
          yield* answer("ann", 3, [])
          assert.strictEqual((yield* desk.item(digestOf(3))).state, "answered")
          yield* answer("ann", 4, ["cotton"])
          const corrected = Effect.map(Stream.runCollect(desk.corrections({ of: "all" })), (all) =>
            all.map(({ from, row, to }) => ({ from, row, to }))
          )
          assert.deepStrictEqual(yield* corrected, [
            { from: null, row: null, to: ["cotton", "red"] },
            { from: null, row: null, to: [] },
            { from: ["blue", "cotton"], row: "row-4", to: ["cotton"] }
          ])
          // The catalogue's own set in another order is no correction.
          yield* answer("ann", 4, ["cotton", "blue"])
          assert.strictEqual((yield* corrected).length, 2)
          const honest = yield* desk.honesty(null)
          assert.deepStrictEqual([honest[0]?.shown.hits, honest[0]?.shown.of], [2, 2])
          const counts = Effect.map(desk.classes, (all) =>
            all.map(({ answers, label, predicted }) => [label, answers, predicted])
          )
          assert.deepStrictEqual(yield* counts, [
            ["cotton", 2, 0],
            ["blue", 1, 0],
            ["red", 1, 1]
          ])
          // The grid has those whose set is the class alone, and confirms it as a set.
          const inGrid = yield* desk.grid({ operator: "ann", column: "tags", label: "red", count: 9 })
          assert.deepStrictEqual(
            inGrid.map(({ digest }) => digest),
            [digestOf(2)]
          )
          const { confirmed } = yield* desk.confirm("ann", { column: "tags", label: "red", items: inGrid, seconds: 1 })
          assert.strictEqual(confirmed.length, 1)
          assert.deepStrictEqual((yield* desk.item(digestOf(2))).answer?.values[0]?.value, ["red"])
          for (;;) if (Exit.isFailure(yield* Effect.exit(desk.undo("ann")))) break
          assert.deepStrictEqual(yield* corrected, [])
          assert.deepStrictEqual((yield* desk.item(digestOf(4))).answer?.values[0]?.value, ["blue", "cotton"])
        })
      )
    )

    it.effect("measures blind sets for the gate, and refuses lists in a column with one value", () =>
      withDesk(
        { ...tags, columns: ["tags", "articleType"], blindShare: 1 },
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive([tagged(1, { red: 0.9 })])
          const [task] = yield* desk.next({ operator: "ann", order: "newest", count: 1 })
          assert.deepStrictEqual(
            task?.columns.map(({ several, suggestions }) => [several, suggestions]),
            [
              [true, []],
              [undefined, []]
            ]
          )
          const { digest, version } = task!
          const values = (type: Value) =>
            [
              { column: "tags", value: ["red", "blue"] },
              { column: "articleType", value: type }
            ] as const
          const wrong = yield* Effect.flip(
            desk.answer("ann", { digest, version, values: values(["Shirts"]), seconds: 1 })
          )
          assert.strictEqual(wrong._tag, "WrongValue")
          yield* desk.answer("ann", { digest, version, values: values("Shirts"), seconds: 1 })
          assert.deepStrictEqual(yield* desk.blindAnswers(null), [
            { digest, column: "articleType", value: "Shirts" },
            { digest, column: "tags", value: ["blue", "red"] }
          ])
          assert.strictEqual((yield* desk.honesty(null))[0]?.model.hits, 0)
        })
      )
    )

    it.effect("takes in another model's suggestions, and knows which items lack them", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const desk = yield* Desk
          yield* desk.arrive([...many(5), listed(9, "Jeans")])
          assert.deepStrictEqual(yield* desk.withoutSuggestion("m1", 9), [])
          const lacking = yield* desk.withoutSuggestion("m2", 9)
          assert.strictEqual(lacking.length, 6)
          assert.strictEqual(lacking.at(-1), digestOf(9))
          yield* desk.suggest(
            lacking.slice(0, 4).map((digest) => ({
              digest,
              suggestions: uploaded(700 + Number.parseInt(digest, 16), undefined, "m2").suggestions
            }))
          )
          assert.deepStrictEqual(yield* desk.withoutSuggestion("m2", 9), lacking.slice(4))
          const tasks = yield* desk.next({ operator: "ann", order: "surest", count: 9 })
          const sure = tasks.map(({ columns }) => columns[0].suggestions[0]?.probability ?? 0)
          assert.deepStrictEqual(
            sure,
            sure.toSorted((a, b) => b - a)
          )
        })
      )
    )

    it.effect("promotes what has passed, goes back to the model before, and keeps the last five", () =>
      withDesk(
        one,
        Effect.gen(function* () {
          const promotions = yield* Promotions
          const verdict = (passes: boolean): Verdict => ({ passes, reasons: [], columns: [] })
          assert.strictEqual(yield* promotions.live, null)
          assert.strictEqual((yield* Effect.flip(promotions.promote("m0", "adm")))._tag, "NotPromotable")
          for (let n = 0; n < 8; n++) {
            yield* promotions.offer({ model: `m${n}`, run: `runs/${n}`, answers: n })
            if (n > 0) {
              assert.strictEqual((yield* Effect.flip(promotions.promote(`m${n}`, "adm")))._tag, "NotPromotable")
              yield* promotions.judge(`m${n}`, verdict(true))
            }
            yield* promotions.promote(`m${n}`, "adm")
            yield* TestClock.adjust("1 minute")
          }
          const states = Effect.map(promotions.list, (all) => all.map(({ model, state }) => `${model} ${state}`))
          assert.deepStrictEqual(yield* states, [
            "m7 live",
            "m6 former",
            "m5 former",
            "m4 former",
            "m3 former",
            "m2 former",
            "m1 gone",
            "m0 gone"
          ])
          assert.strictEqual((yield* promotions.rollBack("bob")).model, "m6")
          assert.strictEqual((yield* promotions.live)?.by, "bob")
          assert.strictEqual((yield* states)[0], "m7 heldBack")
          assert.strictEqual((yield* Effect.flip(promotions.promote("m7", "adm")))._tag, "NotPromotable")
          assert.strictEqual((yield* promotions.promote("m7", "adm", { force: true })).state, "live")
          yield* promotions.offer({ model: "m8", run: "runs/8", answers: 9 })
          const held = yield* promotions.judge("m8", verdict(false))
          assert.strictEqual(held.state, "heldBack")
          assert.deepStrictEqual(held.verdict, verdict(false))
          assert.strictEqual((yield* promotions.list).filter(({ state }) => state === "live").length, 1)
        })
      )
    )
  })
}
