import { assert, describe, it } from "@effect/vitest"
import type { Refusal } from "../../../../src/layers/desk/page/client/api.ts"
import { changedSince, keeperIn, nextToSend, outcomeOf } from "../../../../src/layers/desk/page/client/outbox.ts"
import type { Change, Waiting } from "../../../../src/layers/desk/page/client/outbox.ts"
import { ratePerHour } from "../../../../src/layers/desk/page/client/rate.ts"
import { taskOf } from "./tasks.ts"

const now = 1_790_000_000_000
const task = taskOf("a", { type: { suggested: ["Socks"] } }, { version: 2 })
const photo = { digest: task.digest, version: 2, name: "a" }
const change: Change = { kind: "answer", photo, values: [{ column: "type", value: "Socks" }], seconds: 1.2, task }
const waiting = (id: string, more: Partial<Waiting> = {}): Waiting => ({
  id,
  operator: "me",
  change,
  tries: 0,
  after: 0,
  retake: false,
  because: "sending",
  detail: null,
  ...more
})
const refusal = (status: number, error: Refusal["error"] = {}, retryAfter: number | null = null): Refusal => ({
  ok: false,
  status,
  error,
  retryAfter
})
const outcome = (reply: Refusal, more: Partial<Waiting> = {}) => outcomeOf(waiting("1", more), reply, now)
const conflictOf = (operator: string, value: string) =>
  refusal(409, {
    _tag: "AnswerConflict",
    version: 5,
    state: "answered",
    answer: { operator, at: 1, values: [{ column: "type", value }] }
  })

/** What a browser's storage does, with its keys as properties. */
const storage = (): Storage => {
  const entries: Record<string, string> = {}
  const methods = {
    setItem: (key: string, value: string) => void (entries[key] = value),
    getItem: (key: string) => entries[key] ?? null,
    removeItem: (key: string) => void delete entries[key]
  }
  // Object.keys gives the entries alone, as of a Storage.
  return Object.setPrototypeOf(entries, methods) as unknown as Storage
}

describe("answers on their way", () => {
  it("are tried again when nobody is there, the server fails, or asks to wait", () => {
    assert.deepStrictEqual(outcome(refusal(0)), { is: "later", seconds: 1 })
    assert.deepStrictEqual(outcome(refusal(503), { tries: 3 }), { is: "later", seconds: 8 })
    assert.deepStrictEqual(outcome(refusal(429, {}, 7)), { is: "later", seconds: 7 })
    assert.deepStrictEqual(outcome(refusal(0), { tries: 900 }), { is: "later", seconds: 30 })
  })
  it("are done when the reply to an earlier try was lost, and the answer holds", () => {
    assert.deepStrictEqual(outcome(conflictOf("me", "Socks")), { is: "done", failed: [] })
    const skip: Change = { kind: "skip", photo, seconds: null }
    assert.strictEqual(
      outcome(refusal(409, { _tag: "AnswerConflict", version: 3, state: "skipped", answer: null }), { change: skip })
        .is,
      "done"
    )
  })
  it("are a conflict when somebody else's, or another answer, holds", () => {
    for (const reply of [conflictOf("anna", "Socks"), conflictOf("me", "Shirts")]) {
      const got = outcome(reply)
      assert.strictEqual(got.is === "conflict" && got.version, 5)
    }
    const hidden = outcome(refusal(409, { _tag: "AnswerConflict", version: 6, state: "open", answer: null }))
    assert.deepStrictEqual(hidden, { is: "conflict", version: 6, theirs: null })
  })
  it("wait for the lease of somebody else to end", () => {
    assert.deepStrictEqual(outcome(refusal(410, { _tag: "LeaseLost", until: now + 60_000 })), {
      is: "held",
      until: now + 60_500
    })
    assert.deepStrictEqual(outcome(refusal(410, { _tag: "LeaseLost", until: null })), { is: "held", until: now + 1000 })
  })
  it("wait for a session, and for a new token of it", () => {
    assert.deepStrictEqual(outcome(refusal(401)), { is: "signIn" })
    assert.deepStrictEqual(outcome(refusal(403, { reason: "csrf" })), { is: "csrf" })
    assert.strictEqual(outcome(refusal(403, { reason: "csrf" }), { tries: 2 }).is, "refused")
  })
  it("are refused with the server's reason", () => {
    assert.deepStrictEqual(outcome(refusal(400, { message: "too long" })), { is: "refused", detail: "too long" })
  })
  it("count a confirmed photo as done when this operator's same answer holds", () => {
    const confirm: Change = { kind: "confirm", column: "type", label: "Socks", photos: [photo], seconds: null }
    const failed = [conflictOf("me", "Socks").error, conflictOf("anna", "Shirts").error]
    const got = outcomeOf(waiting("1", { change: confirm }), { ok: true, body: { confirmed: [], failed } }, now)
    assert.deepStrictEqual(got, { is: "done", failed: [failed[1] ?? {}] })
  })
  it("are sent after the item was leased anew only if it is as it was", () => {
    assert.isNull(changedSince(change, task))
    const changed = changedSince(change, taskOf("a", { type: { value: "Shirts" } }, { version: 4 }))
    assert.deepStrictEqual(changed, {
      version: 4,
      theirs: { operator: null, at: 0, values: [{ column: "type", value: "Shirts" }] }
    })
  })
  it("go in order; what waits for a person or a lease holds back nobody, and a lost connection all", () => {
    assert.strictEqual(nextToSend([waiting("1", { because: "asked" }), waiting("2")], "me", now)?.id, "2")
    assert.strictEqual(
      nextToSend([waiting("1", { because: "lease", after: now + 9 }), waiting("2")], "me", now)?.id,
      "2"
    )
    assert.strictEqual(nextToSend([waiting("1", { because: "lease", after: now - 9 })], "me", now)?.id, "1")
    assert.isUndefined(nextToSend([waiting("1", { because: "connection", after: now + 9 }), waiting("2")], "me", now))
    assert.isUndefined(nextToSend([waiting("1", { operator: "anna" })], "me", now))
  })
  it("stay in the browser until they are acknowledged", () => {
    const store = storage()
    store.setItem("another program", "{")
    const keeper = keeperIn(store)
    assert.isTrue(keeper.put(waiting("2")))
    keeper.put(waiting("1"))
    assert.deepStrictEqual(keeperIn(store).all(), [waiting("1"), waiting("2")])
    keeper.remove("1")
    assert.deepStrictEqual(
      keeperIn(store)
        .all()
        .map(({ id }) => id),
      ["2"]
    )
    assert.isFalse(keeperIn(null).put(waiting("3")))
  })
})

describe("the rate", () => {
  it("counts the time at work, and no pause", () => {
    const times = Array.from({ length: 11 }, (_, i) => now + i * 2000)
    assert.strictEqual(ratePerHour(times, now + 20_000), 1800)
    const later = [...times, ...times.map((time) => time + 600_000)]
    assert.strictEqual(ratePerHour(later, now + 620_000), 1800)
    assert.isNull(ratePerHour([now], now))
  })
})
