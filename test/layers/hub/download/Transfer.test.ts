import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { withProgress } from "../../../../src/layers/hub/download/Transfer.ts"
import { lineOf } from "../../../../src/layers/terminal/TerminalProgress.ts"
import type { ProgressEvent } from "../../../../src/pipeline/Progress.ts"
import { Progress } from "../../../../src/pipeline/Progress.ts"

it("a transfer says its bytes, its speed and the time left; where the size is not known, no time", () => {
  const event = { _tag: "Transfer", name: "a.whl", done: 60e6, total: 260e6, bytesPerSecond: 2e6 } as const
  assert.strictEqual(lineOf(event, 0).text, "a.whl  60.0/260.0 MB  2.0 MB/s  1 min 40 s left")
  assert.strictEqual(lineOf({ ...event, total: undefined }, 0).text, "a.whl  60.0 MB  2.0 MB/s")
})

it.effect("a transfer is reported while it goes on and at its end", () =>
  Effect.gen(function* () {
    const events: Array<ProgressEvent> = []
    const fiber = yield* withProgress("a.whl", (onBytes) =>
      Effect.gen(function* () {
        onBytes(40, 100)
        yield* Effect.sleep("1200 millis")
        onBytes(100, 100)
        return "done"
      })
    ).pipe(
      Effect.provideService(Progress, (event) => Effect.sync(() => void events.push(event))),
      Effect.forkChild
    )
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(fiber), "done")
    assert.deepStrictEqual(
      events.map((event) => (event._tag === "Transfer" ? [event.done, event.total] : [])),
      [
        [40, 100],
        [40, 100],
        [100, 100]
      ]
    )
  })
)
