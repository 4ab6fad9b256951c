import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { duration } from "../../../src/metrics/numberText.ts"
import { fittedLine, lineOf, progressOn } from "../../../src/layers/terminal/TerminalProgress.ts"
import { wrapped } from "../../../src/layers/terminal/wrapped.ts"
import { withTrial } from "../../../src/run/search/SearchResult.ts"
import { fashionHalfway } from "../../fashionSearch.ts"
import { fakeTerminal } from "./fakeTerminal.ts"

const step = {
  _tag: "Step",
  epoch: 1,
  epochs: 4,
  step: 30,
  steps: 60,
  loss: 0.51234,
  accuracy: 0.875,
  imagesPerSecond: 187.4,
  waiting: 0.01,
  secondsLeft: 75,
  refused: 0
} as const

describe("the progress line", () => {
  it("says seconds as a person does", () => {
    assert.deepStrictEqual([0.4, 59.4, 59.6, 185, 3599.7, 7800].map(duration), [
      "0 s",
      "59 s",
      "1 min 00 s",
      "3 min 05 s",
      "1 h 00 min",
      "2 h 10 min"
    ])
  })

  it("has the epoch, a bar, the time left, the speed and the means so far", () => {
    const { lasting, text } = lineOf(step, 10)
    assert.isFalse(lasting)
    assert.strictEqual(text, "epoch 2/4 ━━━━━───── 30/60  1 min 15 s left  187 images/s  loss 0.5123  accuracy 87.5 %")
  })

  it("speaks of waiting and of faulty rows where there are such", () => {
    const { text } = lineOf({ ...step, waiting: 0.21, refused: 3 }, 0)
    assert.match(text, /waiting 21\.0 % {2}3 refused$/)
  })

  it("sums an epoch up in a line that stays, and marks the best", () => {
    const record = {
      epoch: 2,
      trainLoss: 0.5,
      trainAccuracy: 0.9,
      validationLoss: 0.4,
      validationAccuracy: 0.95,
      learningRate: 0.001,
      imagesPerSecond: 200,
      seconds: 61
    }
    const { lasting, text } = lineOf({ _tag: "Epoch", epochs: 10, record, best: true }, 0)
    assert.isTrue(lasting)
    assert.strictEqual(
      text,
      "epoch  2/10  train 0.5000 90.0 %  validation 0.4000 95.0 %  200 images/s  1 min 01 s  *best"
    )
    const waiting = { ...record, waiting: 0.123 }
    assert.match(
      lineOf({ _tag: "Epoch", epochs: 10, record: waiting, best: true }, 0).text,
      /200 images\/s {2}1 min 01 s {2}waiting 12\.3 % {2}\*best$/
    )
  })
})

describe("a line in a narrow terminal", () => {
  const events = [
    step,
    { ...step, trials: 12, waiting: 0.21, refused: 3, secondsLeft: 7800 },
    { _tag: "Checking", done: 31_000, total: 44_000, refused: 12 },
    { _tag: "Evaluating", part: "validation", done: 3, total: 10 },
    { _tag: "Transfer", name: "mobilenetv2_100.ra_in1k/model.safetensors", done: 1e6, total: 14e6, bytesPerSecond: 1e6 }
  ] as const

  it("has a bar at any width, and whole parts only", () => {
    for (const columns of [40, 60, 80, 120])
      for (const event of events) {
        const line = fittedLine(event, columns)
        assert.isAtMost(line.length, columns, line)
        assert.match(line, / [━─]{6,24}( |$)/)
        const [, shown = ""] = line.split(/[━─]+ ?/)
        const [, all = ""] = lineOf(event, 6).text.split(/[━─]+ ?/)
        assert.isTrue(all === shown || all.startsWith(`${shown}  `) || shown === "", line)
      }
    assert.match(fittedLine(step, 60), /^epoch 2\/4 ━+─+ 30\/60 {2}1 min 15 s left {2}187 images\/s$/)
  })

  it("is broken between words where it stays", () => {
    const text = "products.csv: 12 labels differ in case alone, such as Tops and tops; they are kept apart"
    for (const columns of [40, 60, 80]) {
      const lines = wrapped(text, columns)
      for (const line of lines) assert.isAtMost(line.length, columns + 2)
      assert.deepStrictEqual(lines.join(" ").split(/\s+/), text.split(" "))
    }
    assert.deepStrictEqual(wrapped("short", 40), ["short"])
    assert.deepStrictEqual(wrapped(`a ${"x".repeat(50)}`, 40), ["a", `  ${"x".repeat(50)}`])
  })
})

describe("progress on a terminal", () => {
  const note = { _tag: "Note", line: "a note" } as const

  it.effect("is a line drawn over itself at most ten times a second, and gone when its work is done", () =>
    Effect.gen(function* () {
      const terminal = fakeTerminal(100)
      const tell = yield* progressOn(terminal, true)
      yield* tell(step)
      assert.match(terminal.rows.join("\n"), /^epoch 2\/4 ━+─+ 30\/60 .*$/)
      yield* tell({ ...step, step: 31 })
      assert.match(terminal.rows.join("\n"), / 30\/60 /)
      yield* TestClock.adjust("100 millis")
      yield* tell({ ...step, step: 32 })
      assert.match(terminal.rows.join("\n"), /^epoch 2\/4 ━+─+ 32\/60 .*$/)
      yield* tell(note)
      assert.deepStrictEqual(terminal.rows, ["a note", ""])
      // Of a short test, the end comes before a tenth of a second: the report must not stand behind the bar.
      yield* TestClock.adjust("100 millis")
      yield* tell({ _tag: "Evaluating", part: "test", done: 48, total: 66 })
      assert.match(terminal.rows[1]!, /^test ━+─+ 48\/66$/)
      yield* tell({ _tag: "Evaluating", part: "test", done: 66, total: 66 })
      assert.deepStrictEqual(terminal.rows, ["a note", ""])
    }).pipe(Effect.scoped)
  )

  it.effect("has a search's table above the line and below the notes, until nothing is left to do", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const terminal = fakeTerminal(100)
      const tell = yield* progressOn(terminal, true)
      yield* tell({ _tag: "Trials", search })
      yield* TestClock.adjust("100 millis")
      yield* tell(step)
      yield* tell(note)
      yield* TestClock.adjust("100 millis")
      yield* tell(step)
      assert.strictEqual(terminal.rows.length, 1 + 22 + 1)
      assert.strictEqual(terminal.rows[0], "a note")
      assert.match(terminal.rows[1]!, /^4 of 24 trials done/)
      assert.match(terminal.rows[22]!, /^ {3}and 6 more: /)
      assert.match(terminal.rows[23]!, /^epoch 2\/4 /)
      const over = search.trials.reduce((so, { id }) => withTrial(so, id, { state: "finished" }), search)
      yield* tell({ _tag: "Trials", search: over })
      assert.deepStrictEqual(terminal.rows, ["a note", ""])
    }).pipe(Effect.scoped)
  )

  it.effect("is plain lines every ten seconds where it is no terminal, with how a search stands", () =>
    Effect.gen(function* () {
      const { search } = yield* fashionHalfway
      const terminal = fakeTerminal(1000)
      const tell = yield* progressOn(terminal, false)
      yield* tell(step)
      yield* tell({ _tag: "Trials", search })
      assert.deepStrictEqual(terminal.rows, [""])
      yield* TestClock.adjust("10 seconds")
      yield* tell(step)
      yield* tell({ ...step, step: 31 })
      yield* tell(note)
      assert.strictEqual(terminal.rows.length, 3)
      assert.match(terminal.rows[0]!, /^4 of 24 trials done; .*; epoch 2\/4 {2}30\/60 /)
      assert.strictEqual(terminal.rows[1], "a note")
    }).pipe(Effect.scoped)
  )
})
