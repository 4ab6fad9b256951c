import { assert, describe, it } from "@effect/vitest"
import * as Tagging from "../../../../src/layers/desk/page/client/tagging.ts"
import { taskOf } from "./tasks.ts"

const classes = (column: string) =>
  column === "colour"
    ? [
        { label: "Red", frequency: 9 },
        { label: "Blue", frequency: 5 }
      ]
    : [
        { label: "Shirts", frequency: 9 },
        { label: "Shorts", frequency: 5 },
        { label: "Socks", frequency: 1 }
      ]

const hand = (...tasks: Parameters<typeof Tagging.withTasks>[1]) =>
  Tagging.withTasks(Tagging.nothingInHand, tasks, "end")
const lines = (tagging: Tagging.Tagging) => Tagging.optionsOf(tagging, classes)
const labels = (tagging: Tagging.Tagging) => lines(tagging).map(({ label }) => label)
const take = (tagging: Tagging.Tagging, line: number | null = null) => Tagging.take(tagging, lines(tagging), line)

const one = taskOf("a", { type: { suggested: ["Shirts", "Socks"] } })
const two = taskOf("b", { type: { suggested: ["Shorts"] }, colour: { suggested: ["Blue", "Red"] } })

describe("tagging", () => {
  it("takes the first suggestion and shows the next photo", () => {
    const { done, tagging } = take(hand(one, two))
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "type", value: "Shirts" }])
    assert.deepStrictEqual(
      tagging.cards.map(({ task }) => task.name),
      ["b"]
    )
  })
  it("takes a line by its place, and nothing where there is none", () => {
    const { done } = take(hand(one), 1)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "type", value: "Socks" }])
    const step = take(hand(one), 7)
    assert.strictEqual(step.say, "nothing")
    assert.strictEqual(step.tagging.cards.length, 1)
  })
  it("answers nothing by Enter where nothing is suggested: the most frequent class is no answer", () => {
    const step = take(hand(taskOf("blind", { type: {} })))
    assert.isNull(step.done)
    assert.strictEqual(step.say, "nothing")
  })
  it("asks for each column in one flow, and sends them together", () => {
    const step = take(hand(two, one))
    assert.isNull(step.done)
    assert.strictEqual(step.tagging.column, 1)
    assert.deepStrictEqual(labels(step.tagging), ["Blue", "Red"])
    const { done } = take(step.tagging, 1)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [
      { column: "type", value: "Shorts" },
      { column: "colour", value: "Red" }
    ])
  })
  it("takes all columns as suggested by one key", () => {
    const tagging = hand(two, one)
    const { done, tagging: after } = Tagging.takeAll(tagging, lines(tagging), classes)
    assert.deepStrictEqual(done?.send === "answer" && done.values.map(({ value }) => value), ["Shorts", "Blue"])
    assert.strictEqual(after.cards[0]?.task.name, "a")
  })
  it("stops taking all at a column without a suggestion, and keeps what was taken", () => {
    const tagging = hand(taskOf("c", { type: { suggested: ["Shirts"] }, colour: {} }))
    const step = Tagging.takeAll(tagging, lines(tagging), classes)
    assert.strictEqual(step.say, "nothing")
    assert.deepStrictEqual(step.tagging.cards[0]?.chosen, ["Shirts", undefined])
    assert.strictEqual(step.tagging.column, 1)
  })
  it("asks only for columns that have no value", () => {
    const { done } = take(hand(taskOf("d", { type: { value: "Socks" }, colour: { suggested: ["Red"] } })))
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "colour", value: "Red" }])
  })
  it("leaves a column empty, and skips a photo of which all are", () => {
    const step = Tagging.leaveEmpty(hand(two))
    const { done } = take(step.tagging)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [
      { column: "type", value: null },
      { column: "colour", value: "Blue" }
    ])
    assert.strictEqual(Tagging.leaveEmpty(Tagging.leaveEmpty(hand(two)).tagging).done?.send, "skip")
    assert.strictEqual(Tagging.skip(hand(two, one)).tagging.cards[0]?.task.name, "a")
  })
  it("takes back the last column first", () => {
    const step = take(hand(two))
    const back = Tagging.back(step.tagging)
    assert.deepStrictEqual(back?.cards[0]?.chosen, [undefined, undefined])
    assert.strictEqual(back?.column, 0)
    assert.isNull(Tagging.back(hand(two)))
  })
  it("finds by name, and adds a class only when asked twice", () => {
    const typed = Tagging.typing(hand(one), "soc")
    assert.deepStrictEqual(labels(typed), ["Socks", "soc"])
    const fresh = Tagging.typing(hand(one), " Gloves ")
    assert.deepStrictEqual(
      lines(fresh).map(({ from, label }) => [label, from]),
      [["Gloves", "new"]]
    )
    const first = take(fresh)
    assert.strictEqual(first.say, "add")
    assert.isNull(first.done)
    const { done } = take(first.tagging)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "type", value: "Gloves" }])
    assert.isFalse(Tagging.typing(first.tagging, "Glove").adding)
  })
  it("offers no second class that differs in capitals alone", () => {
    assert.deepStrictEqual(labels(Tagging.typing(hand(one), "SOCKS")), ["Socks"])
  })
  it("shows the answer that holds first, and sends nothing where it stays", () => {
    const mine = [{ column: "type", value: "Socks" }] as const
    const theirs = { operator: "anna", at: 1, values: [{ column: "type", value: "Shorts" }] }
    const card: Tagging.Card = { ...Tagging.cardOf({ ...one, version: 3 }), conflict: { id: "x", theirs, mine } }
    const tagging = Tagging.withConflict(hand(two), card)
    assert.deepStrictEqual(
      tagging.cards.map(({ task }) => task.name),
      ["b", "a"]
    )
    const shown = Tagging.skip(tagging).tagging
    assert.deepStrictEqual(
      lines(shown).map(({ from, label, operator }) => [label, from, operator]),
      [
        ["Shorts", "operator", "anna"],
        ["Socks", "mine", null],
        ["Shirts", "model", null]
      ]
    )
    assert.strictEqual(take(shown).done?.send, "keep")
    assert.strictEqual(Tagging.skip(shown).done?.send, "keep")
    const { done } = take(shown, 1)
    assert.deepStrictEqual(done?.send === "answer" && [done.values, done.card.task.version], [mine, 3])
  })
  it("settles with both answers in sight", () => {
    const answer = (operator: string, value: string) => ({ operator, at: 1, values: [{ column: "type", value }] })
    const settle = taskOf(
      "s",
      { type: { value: "Socks", suggested: ["Shirts"] } },
      { kind: "settle", opinions: [answer("anna", "Socks"), answer("ben", "Shorts")] }
    )
    assert.deepStrictEqual(
      lines(hand(settle)).map(({ label, operator }) => [label, operator]),
      [
        ["Socks", "anna"],
        ["Shorts", "ben"],
        ["Shirts", null]
      ]
    )
    const { done } = take(hand(settle), 1)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "type", value: "Shorts" }])
  })
  it("corrects one column and leaves the others", () => {
    const correct = taskOf(
      "k",
      { type: { value: "Socks", suggested: ["Shirts"] }, colour: { value: "Red" } },
      { kind: "correct" }
    )
    assert.deepStrictEqual(labels(hand(correct)), ["Socks", "Shirts"])
    const { done } = take(hand(correct), 1)
    assert.deepStrictEqual(done?.send === "answer" && done.values, [{ column: "type", value: "Shirts" }])
  })
  it("keeps what is typed while photos come and go behind the first", () => {
    const typed = Tagging.typing(hand(one, two), "so")
    assert.strictEqual(Tagging.withTasks(typed, [taskOf("z", { type: {} })], "end").typed, "so")
    assert.strictEqual(Tagging.without(typed, ({ task }) => task.name === "b").typed, "so")
    assert.strictEqual(Tagging.without(typed, ({ task }) => task.name === "a").typed, "")
  })
  it("takes no photo in twice", () => {
    const tagging = Tagging.withTasks(hand(one), [one, two], "end")
    assert.deepStrictEqual(
      tagging.cards.map(({ task }) => task.name),
      ["a", "b"]
    )
    const front = Tagging.withTasks(tagging, [{ ...two, version: 2 }], "front")
    assert.deepStrictEqual(
      front.cards.map(({ task }) => [task.name, task.version]),
      [
        ["b", 2],
        ["a", 0]
      ]
    )
  })

  describe("of a column with several values", () => {
    // 0.8, 0.4, 0.27: the first two apply.
    const set = taskOf("s", { tags: { suggested: ["Shirts", "Shorts", "Socks"], threshold: 0.3 } })
    const ticked = (tagging: Tagging.Tagging) =>
      lines(tagging).flatMap(({ label, ticked }) => (ticked === true ? [label] : []))
    const valuesOf = ({ done }: Tagging.Step) => (done?.send === "answer" ? done.values : undefined)

    it("confirms what the model takes to apply by one key", () => {
      assert.deepStrictEqual(ticked(hand(set)), ["Shirts", "Shorts"])
      assert.deepStrictEqual(valuesOf(take(hand(set))), [{ column: "tags", value: ["Shirts", "Shorts"] }])
    })
    it("ticks lines by digits and other classes by name, which stay in sight, and takes ticks back", () => {
      const without = take(hand(set), 0).tagging
      assert.deepStrictEqual(ticked(without), ["Shorts"])
      const known = take(Tagging.typing(without, "sock")).tagging
      assert.strictEqual(known.typed, "")
      // A class that nobody has used takes the key twice.
      const asked = take(Tagging.typing(known, "Linen"))
      assert.strictEqual(asked.say, "add")
      const added = take(asked.tagging).tagging
      assert.deepStrictEqual(ticked(added), ["Shorts", "Socks", "Linen"])
      assert.deepStrictEqual(valuesOf(take(added)), [{ column: "tags", value: ["Shorts", "Socks", "Linen"] }])
      assert.isTrue(Tagging.isBegun(added.cards[0]!))
      const before = Tagging.back(added)
      assert.deepStrictEqual(before && ticked(before), ["Shirts", "Shorts"])
      assert.isNull(before && Tagging.back(before))
    })
    it("says that none applies by the same key twice, and leaves a column empty by another", () => {
      const nothing = take(take(hand(set), 0).tagging, 1).tagging
      const step = take(nothing)
      assert.deepStrictEqual([step.say, step.done], ["none", null])
      assert.deepStrictEqual(valuesOf(take(step.tagging)), [{ column: "tags", value: [] }])
      // Any other key between the two, and it is asked again.
      assert.isNull(take(take(step.tagging, 0).tagging, 0).tagging.adding ? "still" : null)
      assert.strictEqual(Tagging.leaveEmpty(nothing).done?.send, "skip")
    })
    it("begins with what holds, and with the other's answer in a conflict", () => {
      const correct = taskOf(
        "c",
        { tags: { value: ["Socks"], suggested: ["Shirts"], threshold: 0.3 } },
        { kind: "correct" }
      )
      assert.deepStrictEqual(ticked(hand(correct)), ["Socks"])
      const theirs = { operator: "ann", at: 0, values: [{ column: "tags", value: ["Shirts"] }] }
      const mine = [{ column: "tags", value: ["Shorts"] }]
      const conflict = Tagging.withConflict(Tagging.nothingInHand, {
        ...Tagging.cardOf(set),
        conflict: { id: "1", theirs, mine }
      })
      assert.deepStrictEqual(ticked(conflict), ["Shirts"])
      assert.strictEqual(take(conflict).done?.send, "keep")
      assert.deepStrictEqual(valuesOf(take(take(conflict, 1).tagging)), [
        { column: "tags", value: ["Shirts", "Shorts"] }
      ])
    })
    it("takes all columns as suggested by one key, each set whole", () => {
      const both = hand(
        taskOf("b", { type: { suggested: ["Shorts"] }, tags: { suggested: ["Shirts", "Socks"], threshold: 0.5 } })
      )
      assert.deepStrictEqual(valuesOf(Tagging.takeAll(both, lines(both), classes)), [
        { column: "type", value: "Shorts" },
        { column: "tags", value: ["Shirts"] }
      ])
      const unsure = hand(
        taskOf("u", { type: { suggested: ["Shorts"] }, tags: { suggested: ["Shirts"], threshold: 0.9 } })
      )
      const step = Tagging.takeAll(unsure, lines(unsure), classes)
      assert.deepStrictEqual([step.say, step.done, step.tagging.column], ["none", null, 1])
    })
  })
})
