/** The grid at work: which class, the photos of it that are asked for, and what one key confirms. */
import type { DeskClass } from "../../../../../run/serve/DeskClass.ts"
import type { Task } from "../../../../../run/serve/Task.ts"
import type { Grid } from "../grid.ts"
import { confirmed, gridSize, opened, withAhead } from "../grid.ts"
import { photoOf } from "../outbox.ts"
import { byFrequency, rank } from "../ranking.ts"
import * as Tagging from "../tagging.ts"
import { texts } from "../texts.ts"
import type { Parts } from "./parts.ts"
import { columnsIn } from "./state.ts"

export interface GridView {
  /** The classes that may be opened, as the field for names narrows them. */
  readonly choice: () => ReadonlyArray<DeskClass>
  /** Opens a class of `choice`. */
  readonly openLine: (line: number) => void
  readonly confirmAll: () => void
  /** Back to the choice of a class. */
  readonly close: () => void
  /** Asks for the next page, where it is not there. */
  readonly fill: () => Promise<void>
  /** Shows photos whose confirmation was taken back. */
  readonly showAgain: (tasks: ReadonlyArray<Task>) => void
  readonly toColumn: (column: number) => void
  readonly type: (text: string) => void
  readonly moveLine: (by: number) => void
  /** What was marked as wrong may be shown again. */
  readonly forget: (digest: string) => void
  readonly has: (digest: string) => boolean
  /** Photos that are held for it. */
  readonly held: () => ReadonlyArray<Task>
}

const nothing: ReadonlyArray<Task> = []
const photosOf = (grid: Grid | null) => (grid === null ? nothing : [...grid.shown, ...grid.ahead])

export const gridOf = (parts: Parts): GridView => {
  const { state, world } = parts
  const { api } = world
  /** Marked as wrong: the next page does not show them again. */
  const keyedAway = new Set<string>()
  let shownAt = 0

  const has = (digest: string) => photosOf(state.grid).some((one) => one.digest === digest)

  const choice = (): ReadonlyArray<DeskClass> => {
    const column = columnsIn(state)[state.gridColumn] ?? ""
    const open = state.classes.filter((one) => one.column === column && one.predicted > 0)
    if (state.gridTyped === "") return [...open].sort((a, b) => b.predicted - a.predicted)
    const byLabel = new Map(open.map((one) => [one.label, one]))
    return rank(
      byFrequency(open.map(({ label, predicted }) => ({ label, frequency: predicted }))),
      state.gridTyped
    ).flatMap((label) => byLabel.get(label) ?? [])
  }

  const fill = async () => {
    const { grid } = state
    if (grid === null || state.gridAsking) return
    const size = world.gridSize()
    if (grid.ahead.length >= size) return
    state.gridAsking = true
    world.changed()
    const count = Math.min(200, photosOf(grid).length + parts.queue.inHand() + keyedAway.size + size * 2)
    const reply = await api.ask("POST /v1/grid/next", { body: { column: grid.column, label: grid.label, count } })
    state.gridAsking = false
    if (!reply.ok) return parts.notices.failed(reply)
    if (state.grid === null || state.grid.label !== grid.label || state.grid.column !== grid.column) return
    const shown = state.tagging.cards[0]?.task.digest
    const fresh = reply.body.filter(
      (task) => parts.queue.isFree(task) && !keyedAway.has(task.digest) && task.digest !== shown
    )
    const wasEmpty = state.grid.shown.length === 0
    state.grid = withAhead(state.grid, fresh, size)
    if (wasEmpty) shownAt = world.now()
    if (state.grid.shown.length === 0) {
      parts.notices.say(texts.grid.done(grid.label))
      close()
    } else {
      // A photo that the grid shows is not in the queue at the same time.
      state.tagging = Tagging.without(state.tagging, (card) => has(card.task.digest) && !Tagging.isBegun(card))
    }
    world.changed()
  }

  const close = () => {
    state.grid = null
    void parts.counts.readClasses()
  }

  return {
    choice,
    openLine: (line) => {
      const chosen = choice()[line]
      if (chosen === undefined) return parts.notices.say(texts.tag.none)
      keyedAway.clear()
      state.grid = opened(chosen.column, chosen.label)
      state.gridTyped = ""
      state.gridLine = 0
      void fill()
    },
    confirmAll: () => {
      const { grid } = state
      if (grid === null) return
      const { next, right, wrong } = confirmed(grid, world.gridSize())
      if (right.length === 0 && wrong.length > 0) return parts.notices.say(texts.grid.nothing)
      const seconds = Math.min(86_400, (world.now() - shownAt) / 1000)
      state.grid = next
      shownAt = world.now()
      if (wrong.length > 0) {
        parts.notices.say(texts.grid.wrong(wrong.length))
        for (const { digest } of wrong) keyedAway.add(digest)
        parts.queue.comeFirst(wrong)
      }
      if (right.length > 0)
        parts.sending.submit(
          { kind: "confirm", column: grid.column, label: grid.label, photos: right.map(photoOf), seconds },
          false
        )
      else void fill()
      world.changed()
    },
    close: () => {
      close()
      world.changed()
    },
    fill,
    showAgain: (tasks) => {
      const { grid } = state
      if (grid === null) return
      state.grid = {
        ...grid,
        shown: tasks.slice(0, gridSize),
        ahead: [...tasks.slice(gridSize), ...grid.shown, ...grid.ahead],
        wrong: new Set(),
        gone: new Set(),
        cursor: 0
      }
      shownAt = world.now()
      world.changed()
    },
    toColumn: (column) => {
      state.gridColumn = column
      state.gridLine = 0
      world.changed()
    },
    type: (text) => {
      state.gridTyped = text
      state.gridLine = 0
      world.changed()
    },
    moveLine: (by) => {
      const count = Math.max(1, choice().length)
      state.gridLine = (state.gridLine + by + count) % count
      world.changed()
    },
    forget: (digest) => void keyedAway.delete(digest),
    has,
    held: () => photosOf(state.grid)
  }
}
