/** Audit lists: what may be wrong, read a page at a time, and mended one by one. */
import type { ColumnValue, Value } from "../../../../../run/serve/ColumnValue.ts"
import type { AuditEntry, AuditList } from "../../../../../run/serve/Audit.ts"
import { photoOf } from "../outbox.ts"
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"
import { nearKey } from "./state.ts"

export const lists: ReadonlyArray<AuditList> = ["labelErrors", "conflicts", "disagreements", "skipped", "history"]

export interface Audit {
  /** Reads the list from its beginning. */
  readonly open: () => void
  /** Another list: by its place, or so many further. */
  readonly toList: (place: number | null, by: number) => void
  readonly select: (entry: number) => void
  /** Leaves a photo out of the list: it was answered. */
  readonly without: (digest: string) => void
  readonly takeOther: () => void
  readonly keep: () => void
  readonly openEntry: () => Promise<void>
  readonly putBack: () => Promise<void>
  readonly askSecond: () => Promise<void>
}

/** Lines of an audit list that are asked for at once. */
const pageOfList = 50

/** What the column has now. */
export const holds = ({ column, item }: AuditEntry): Value | null => {
  const of = (values: ReadonlyArray<ColumnValue> | undefined) =>
    values?.find((one) => one.column === column)?.value ?? null
  return item.answer === null ? of(item.rows[0]?.values) : of(item.answer.values)
}

export const auditOf = (parts: Parts): Audit => {
  const { state, world } = parts
  const { api } = world

  const selected = () => state.entries[state.entry]
  const readLog = async () => {
    const digest = selected()?.item.digest
    if (digest === undefined || state.log?.digest === digest) return
    state.log = { digest, lines: [] }
    const reply = await api.ask("GET /v1/log", { query: { digest, count: 50 } })
    if (reply.ok && state.log?.digest === digest) state.log = { digest, lines: reply.body }
    world.changed()
  }
  const readList = async (from: number) => {
    const { list } = state
    state.listAsking = true
    if (from === 0) {
      state.entry = 0
      state.entries = []
      state.log = null
    }
    world.changed()
    const reply = await api.ask("GET /v1/audit", { path: `/v1/audit/${list}`, query: { from, count: pageOfList } })
    if (state.list !== list) return
    state.listAsking = false
    if (!reply.ok) return parts.notices.failed(reply)
    const there = new Set(state.entries.map(({ column, item }) => nearKey(item.digest, column)))
    state.entries = [
      ...state.entries,
      ...reply.body.filter(({ column, item }) => !there.has(nearKey(item.digest, column)))
    ]
    void readLog()
    world.changed()
  }
  const select = (entry: number) => {
    state.entry = Math.min(Math.max(entry, 0), Math.max(0, state.entries.length - 1))
    if (
      state.entry >= state.entries.length - 10 &&
      state.entries.length >= pageOfList &&
      !state.listAsking &&
      state.entries.length % pageOfList === 0
    )
      void readList(state.entries.length)
    void readLog()
    world.changed()
  }
  const drop = (entry: AuditEntry) => {
    state.entries = state.entries.filter((one) => one !== entry)
    select(state.entry)
  }
  const correct = (entry: AuditEntry, value: Value | null) => {
    if (value === null) return parts.notices.say(texts.audit.nothingHere)
    const { column, item } = entry
    parts.sending.submit(
      { kind: "answer", photo: photoOf(item), values: [{ column, value }], seconds: null, task: null },
      true
    )
    drop(entry)
  }

  return {
    open: () => void readList(0),
    toList: (place, by) => {
      const at = place ?? (lists.indexOf(state.list) + by + lists.length) % lists.length
      state.list = lists[at] ?? state.list
      void readList(0)
    },
    select,
    without: (digest) => {
      state.entries = state.entries.filter(({ item }) => item.digest !== digest)
      state.entry = Math.min(state.entry, Math.max(0, state.entries.length - 1))
      void readLog()
    },
    takeOther: () => {
      const entry = selected()
      if (entry !== undefined) correct(entry, entry.other)
    },
    keep: () => {
      const entry = selected()
      if (entry !== undefined) correct(entry, holds(entry))
    },
    openEntry: async () => {
      const entry = selected()
      if (entry === undefined) return
      const reply = await api.ask("POST /v1/queue/take", { body: { digest: entry.item.digest } })
      if (!reply.ok) return parts.notices.failed(reply)
      parts.queue.takeInHand(reply.body, entry.column, "audit")
    },
    putBack: async () => {
      const entry = selected()
      if (entry === undefined) return
      const { digest, version } = entry.item
      const reply = await api.ask("POST /v1/queue/return", { body: { digest, version } })
      if (!reply.ok) return parts.notices.failed(reply)
      parts.queue.forgetAnswer(digest)
      parts.notices.say(texts.audit.returned)
      drop(entry)
    },
    askSecond: async () => {
      const entry = selected()
      if (entry === undefined) return
      const reply = await api.ask("POST /v1/queue/second-opinion", { body: { digests: [entry.item.digest] } })
      if (!reply.ok) return parts.notices.failed(reply)
      parts.notices.say(texts.audit.asked)
    }
  }
}
