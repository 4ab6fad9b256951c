/**
 * What the server counts: classes for type-ahead and grid, progress, and accuracies by answers that were given without
 * suggestions.
 */
import { byFrequency } from "../ranking.ts"
import type { Parts } from "./parts.ts"
import { columnsIn } from "./state.ts"

export interface Counts {
  readonly readClasses: () => Promise<void>
  readonly readProgress: () => Promise<void>
  /** The same, but not more often than every few seconds. */
  readonly readProgressSoon: () => void
  readonly readHonesty: () => Promise<void>
  /** Reads them again from time to time, as others work too. */
  readonly follow: () => void
}

/** How often counts are read, in milliseconds; after an answer, not more often than `recount`. */
const every = 30_000
const recount = 3000

export const countsOf = (parts: Parts): Counts => {
  const { state, world } = parts
  const { api } = world
  let countedAt = 0

  const readClasses = async () => {
    const reply = await api.ask("GET /v1/classes")
    if (!reply.ok) return
    state.classes = reply.body
    state.frequent = new Map(
      columnsIn(state).map((column) => [
        column,
        byFrequency(
          reply.body
            .filter((one) => one.column === column)
            .map(({ answers, label, trained }) => ({ label, frequency: trained + answers }))
        )
      ])
    )
    world.changed()
  }
  const readProgress = async () => {
    countedAt = world.now()
    const reply = await api.ask("GET /v1/progress")
    if (reply.ok) state.progress = reply.body
    world.changed()
  }
  const readHonesty = async () => {
    const reply = await api.ask("GET /v1/honesty")
    if (reply.ok) state.honesty = reply.body
    world.changed()
  }
  const poll = () => {
    world.after(every, poll)
    if (!world.visible() || state.phase !== "ready") return
    void readProgress()
    if (state.view === "progress") void readHonesty()
    parts.sending.countRate()
  }

  return {
    readClasses,
    readProgress,
    readProgressSoon: () => {
      if (world.now() - countedAt > recount) void readProgress()
    },
    readHonesty,
    follow: () => world.after(every, poll)
  }
}
