import { duration, figureText, percent } from "../figures.ts"
import { figureHead, rank } from "../model/search/objective.ts"
import type { SearchResult, SearchTrial, TrialState } from "../model/search/SearchResult.ts"
import { countStates, recordOf, savedShare, secondsLeft, trialEpochs } from "../model/search/SearchResult.ts"
import { plainValue, settingHeads } from "../model/search/settings.ts"

const marks: Readonly<Record<TrialState, string>> = {
  waiting: "·",
  running: "▸",
  finished: "✓",
  failed: "✗",
  diverged: "✗",
  stopped: "■"
}

const words = (trials: ReadonlyArray<SearchTrial>): string => {
  const counts = countStates({ trials })
  const said = (["running", "waiting", "finished", "stopped", "failed", "diverged"] as const).filter(
    (state) => counts[state] > 0
  )
  return said.map((state) => `${counts[state]} ${state}`).join(", ")
}

/** No longer than `width`; what is cut ends in an ellipsis. */
const cut = (text: string, width: number) => (text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`)

/** As `cut`, but in the middle: of a trial's name, the number and the last settings are worth most. */
const cutMiddle = (text: string, width: number) => {
  if (text.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`
}

/** As many of the parts, the first ones first, as fit into a line. */
const fitted = (parts: ReadonlyArray<string>, width: number) => {
  let line = cut(parts[0] ?? "", width)
  for (const part of parts.slice(1)) if (line.length + 2 + part.length <= width) line += `  ${part}`
  return line
}

/** The best first, of all that have a figure and did not fail; running ones have theirs after as many epochs as they have. */
const bestSoFar = ({ config, trials }: SearchResult) =>
  rank(
    trials.filter(({ figure, state }) => figure !== null && state !== "failed" && state !== "diverged"),
    config.objective.goal
  )

/** What is worth most comes first: a narrow line has only that. */
const headline = (search: SearchResult): ReadonlyArray<string> => {
  const { diverged, failed, finished, running, stopped } = countStates(search)
  const { done, left } = trialEpochs(search)
  const time = secondsLeft(search)
  const saved = savedShare(search)
  return [
    `${finished + stopped + failed + diverged} of ${search.trials.length} trials done`,
    ...(left > 0 && time !== null ? [`${duration(time)} left`] : []),
    ...(saved === null ? [] : [`${percent(saved)} passes saved`]),
    ...(failed + diverged === 0 ? [] : [`${failed + diverged} failed`]),
    ...(running === 0 ? [] : [`${running} running`]),
    `${done}/${done + left} epochs`,
    search.config.name
  ]
}

const bestLine = (search: SearchResult): ReadonlyArray<string> => {
  const [best] = bestSoFar(search)
  return best === undefined || best.figure === null
    ? []
    : [`best so far: ${search.config.objective.figure} ${figureText(best.figure)}, ${best.id}`]
}

/** How a search stands, in one line: for logs, and where there is no room for a table. */
export const trialsLine = (search: SearchResult): string =>
  [...headline(search).slice(0, -1), ...bestLine(search)].join("; ")

/** A column of the table: a head, and a cell of each trial; figures stand to the right. */
interface Column {
  readonly head: string
  readonly cell: (trial: SearchTrial) => string
  readonly right: boolean
}

const figureColumn = (head: string, of: (trial: SearchTrial) => number | null | undefined): Column => ({
  head,
  cell: (trial) => {
    const figure = of(trial)
    return figure == null ? "" : figureText(figure)
  },
  right: true
})

/**
 * Sets of columns, from the widest to the narrowest: with the settings each in a column, then in the trial's name, then
 * with the losses left out that are not the objective.
 */
const layouts = ({ config, rungs }: SearchResult): ReadonlyArray<ReadonlyArray<Column>> => {
  const paths = config.axes.map(({ path }) => path)
  const heads = settingHeads(paths)
  const { figure } = config.objective
  const last = rungs.at(-1)?.epochs
  const losses = (["validationLoss", "trainLoss"] as const).filter((name) => name !== figure)
  const number: Column = { head: "trial", cell: ({ id }) => id.split("-", 1)[0] ?? "", right: false }
  const name: Column = { head: "trial", cell: ({ id }) => id, right: false }
  const epoch: Column = {
    head: "epoch",
    cell: ({ epochs, history, rung }) => `${history.length}/${Math.min(epochs, rungs[rung]?.epochs ?? last ?? epochs)}`,
    right: true
  }
  const own = figureColumn(figureHead(figure), (trial) => trial.figure)
  const others = losses.map((loss) => figureColumn(figureHead(loss), (trial) => recordOf(trial)?.[loss]))
  const settings = paths.map((path, i): Column => ({
    head: heads[i] ?? path,
    cell: (trial) => plainValue(trial.settings[path]),
    right: config.axes[i]?.range !== undefined
  }))
  return [
    [number, ...settings, epoch, own, ...others],
    [name, epoch, own, ...others],
    [name, epoch, own]
  ]
}

/** The head and the rows of a table; where the narrowest does not fit either, the trials' names are cut. */
const drawTable = (
  search: SearchResult,
  trials: ReadonlyArray<SearchTrial>,
  best: string | undefined,
  width: number
): ReadonlyArray<string> => {
  const measured = layouts(search).map((columns) => {
    // Measured over all trials, not those on show: columns then do not move from one drawing to the next.
    const widths = columns.map(({ cell, head }) =>
      Math.max(head.length, ...search.trials.map((trial) => cell(trial).length))
    )
    return { columns, widths, over: 2 + widths.reduce((sum, one) => sum + 1 + one, 0) - width }
  })
  // There is a layout at least.
  const { columns, over, widths } = measured.find(({ over }) => over <= 0) ?? measured.at(-1)!
  const roomOf = (i: number) => (i === 0 ? Math.max(5, widths[0]! - Math.max(0, over)) : widths[i]!)
  const line = (mark: string, cells: ReadonlyArray<string>) =>
    cut(
      [mark, ...cells.map((text, i) => pad(cutMiddle(text, roomOf(i)), roomOf(i), columns[i]!.right))].join(" "),
      width
    ).trimEnd()
  return [
    line(
      "  ",
      columns.map(({ head }) => head)
    ),
    ...trials.map((trial) =>
      line(
        `${marks[trial.state]}${trial.id === best ? "*" : " "}`,
        columns.map(({ cell }) => cell(trial))
      )
    )
  ]
}

const pad = (text: string, width: number, right: boolean) => (right ? text.padStart(width) : text.padEnd(width))

/** Which trials are on show, in their order: all, or running ones, the best, and then the others as far as there is room. */
const onShow = (search: SearchResult, room: number): ReadonlyArray<SearchTrial> => {
  const { trials } = search
  if (trials.length <= room) return trials
  const running = trials.filter(({ state }) => state === "running")
  const best = bestSoFar(search)
  // The best have a third of the room at least, however many run.
  const wanted = [
    ...best.slice(0, 1),
    ...running.slice(0, Math.ceil((room * 2) / 3)),
    ...best,
    ...running,
    ...trials.filter(({ state }) => state === "waiting"),
    ...trials
  ]
  const shown = new Set([...new Set(wanted)].slice(0, room))
  return trials.filter((trial) => shown.has(trial))
}

/**
 * A search as it stands, for a terminal: lines of at most `columns` characters, at most `rows` of them.
 *
 * A headline, the best so far, and a row for each trial; where not all have room, how the others stand.
 */
export const liveTrials = (
  search: SearchResult,
  { columns, rows }: { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  const top = [fitted(headline(search), columns), ...bestLine(search).map((line) => cut(line, columns))]
  const room = rows - top.length - 1
  const all = search.trials.length <= room
  // A table of a row or two says less than the two lines above.
  if (!all && room < 4) return top.slice(0, rows)
  const shown = onShow(search, all ? room : room - 1)
  const isShown = new Set(shown)
  const others = search.trials.filter((trial) => !isShown.has(trial))
  return [
    ...top,
    ...drawTable(search, shown, bestSoFar(search)[0]?.id, columns),
    ...(others.length === 0 ? [] : [cut(`   and ${others.length} more: ${words(others)}`, columns)])
  ]
}
