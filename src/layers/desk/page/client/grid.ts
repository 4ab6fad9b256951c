/** The grid: photos of one predicted class, which one key confirms but for those that are marked. Pure. */
import type { Task } from "../../../../run/serve/Task.ts"
import { gridKeys, gridRows } from "./keys.ts"

export interface Grid {
  readonly column: string
  readonly label: string
  readonly shown: ReadonlyArray<Task>
  /** The page after this one, so that it is there at once. */
  readonly ahead: ReadonlyArray<Task>
  readonly wrong: ReadonlySet<string>
  /** Answered elsewhere meanwhile: they stay where they are, so that no photo moves under a hand. */
  readonly gone: ReadonlySet<string>
  /** The photo that Space marks. */
  readonly cursor: number
}

export const opened = (column: string, label: string): Grid => ({
  column,
  label,
  shown: [],
  ahead: [],
  wrong: new Set(),
  gone: new Set(),
  cursor: 0
})

/** At most as many as there are keys. */
export const gridSize = gridKeys.length

/** Adds tasks to the page that is shown, as long as it has room and nobody has looked at it, and to the next one. */
export const withAhead = (grid: Grid, tasks: ReadonlyArray<Task>, size: number): Grid => {
  const there = new Set([...grid.shown, ...grid.ahead].map(({ digest }) => digest))
  const fresh = tasks.filter(({ digest }) => !there.has(digest))
  if (grid.shown.length > 0) return { ...grid, ahead: [...grid.ahead, ...fresh] }
  const all = [...grid.ahead, ...fresh]
  return { ...grid, shown: all.slice(0, size), ahead: all.slice(size), wrong: new Set(), gone: new Set(), cursor: 0 }
}

export const mark = (grid: Grid, cell: number | null): Grid => {
  const at = cell ?? grid.cursor
  const digest = grid.shown[at]?.digest
  if (digest === undefined) return grid
  const wrong = new Set(grid.wrong)
  if (!wrong.delete(digest)) wrong.add(digest)
  return { ...grid, wrong, cursor: at }
}

/** Moves the cursor; `by` is a row where it is as long as the first row of keys. */
export const moved = (grid: Grid, by: number): Grid => {
  const row = gridRows[0]?.length ?? 10
  if (Math.abs(by) < row) {
    const cursor = Math.min(Math.max(grid.cursor + by, 0), Math.max(grid.shown.length - 1, 0))
    return { ...grid, cursor }
  }
  // Rows of keys differ in length.
  const starts = gridRows.map((_, at) => gridRows.slice(0, at).join("").length)
  const at = starts.findLastIndex((start) => start <= grid.cursor)
  const to = at + Math.sign(by)
  const start = starts[to]
  if (start === undefined || start >= grid.shown.length) return grid
  const inRow = Math.min(grid.cursor - (starts[at] ?? 0), (gridRows[to]?.length ?? 1) - 1)
  return { ...grid, cursor: Math.min(start + inRow, grid.shown.length - 1) }
}

/** What is confirmed, what is left out, and the grid with its next page. */
export const confirmed = (grid: Grid, size: number) => {
  const left = grid.shown.filter(({ digest }) => !grid.gone.has(digest))
  const right = left.filter(({ digest }) => !grid.wrong.has(digest))
  const wrong = left.filter(({ digest }) => grid.wrong.has(digest))
  const next: Grid = {
    ...grid,
    shown: grid.ahead.slice(0, size),
    ahead: grid.ahead.slice(size),
    wrong: new Set(),
    gone: new Set(),
    cursor: 0
  }
  return { right, wrong, next }
}

/** Takes note of photos that are answered elsewhere, or whose lease is lost. */
export const withGone = (grid: Grid, gone: (task: Task) => boolean): Grid => {
  const now = grid.shown.filter(gone).map(({ digest }) => digest)
  return { ...grid, gone: new Set([...grid.gone, ...now]), ahead: grid.ahead.filter((task) => !gone(task)) }
}
