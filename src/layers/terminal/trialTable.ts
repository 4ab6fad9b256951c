import { elementAt } from "../../pipeline/elementAt.ts"
import { numberText } from "../../metrics/numberText.ts"
import { columnHead, objectiveName } from "../../run/search/objective.ts"
import type { SearchResult, SearchTrial, TrialState } from "../../run/search/SearchResult.ts"
import { recordOf } from "../../run/search/SearchResult.ts"
import { plainValue, settingHeads } from "../../run/search/settings.ts"

const marks: Readonly<Record<TrialState, string>> = {
  waiting: "·",
  running: "▸",
  finished: "✓",
  failed: "✗",
  diverged: "✗",
  stopped: "■"
}

/** No longer than `width`; what is cut ends in an ellipsis. */
export const cut = (text: string, width: number) =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

/** As `cut`, but in the middle: the number and the last settings of a trial's name are the most useful. */
const cutMiddle = (text: string, width: number) => {
  if (text.length <= width) return text
  const tail = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - tail)}…${text.slice(text.length - tail)}`
}

/** A column of the table: a head, and a cell for each trial; numbers are aligned to the right. */
interface Column {
  readonly head: string
  readonly cell: (trial: SearchTrial) => string
  readonly right: boolean
}

const numberColumn = (head: string, of: (trial: SearchTrial) => number | null | undefined): Column => ({
  head,
  cell: (trial) => {
    const value = of(trial)
    return value == null ? "" : numberText(value)
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
  const metric = objectiveName(config.objective)
  const last = rungs.at(-1)?.epochs
  const losses = (["validationLoss", "trainLoss"] as const).filter((name) => name !== metric)
  const number: Column = { head: "trial", cell: ({ id }) => id.split("-", 1)[0] ?? "", right: false }
  const name: Column = { head: "trial", cell: ({ id }) => id, right: false }
  const epoch: Column = {
    head: "epoch",
    cell: ({ epochs, history, rung }) => `${history.length}/${Math.min(epochs, rungs[rung]?.epochs ?? last ?? epochs)}`,
    right: true
  }
  const own = numberColumn(columnHead(metric), (trial) => trial.metric)
  const others = losses.map((loss) => numberColumn(columnHead(loss), (trial) => recordOf(trial)?.[loss]))
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
export const trialTable = (
  search: SearchResult,
  trials: ReadonlyArray<SearchTrial>,
  best: ReadonlySet<string>,
  width: number
): ReadonlyArray<string> => {
  const measured = layouts(search).map((columns) => {
    // Measured over all trials, not those on show: columns then do not move from one drawing to the next.
    const sized = columns.map((column) => ({
      ...column,
      width: Math.max(column.head.length, ...search.trials.map((trial) => column.cell(trial).length))
    }))
    return { columns: sized, over: 2 + sized.reduce((sum, { width }) => sum + 1 + width, 0) - width }
  })
  const { columns, over } = measured.find(({ over }) => over <= 0) ?? elementAt(measured, measured.length - 1)
  const line = (mark: string, textOf: (column: Column) => string) => {
    const cells = columns.map((column, i) => {
      const room = i === 0 ? Math.max(5, column.width - Math.max(0, over)) : column.width
      return pad(cutMiddle(textOf(column), room), room, column.right)
    })
    return cut([mark, ...cells].join(" "), width).trimEnd()
  }
  return [
    line("  ", ({ head }) => head),
    ...trials.map((trial) => line(`${marks[trial.state]}${best.has(trial.id) ? "*" : " "}`, ({ cell }) => cell(trial)))
  ]
}

const pad = (text: string, width: number, right: boolean) => (right ? text.padStart(width) : text.padEnd(width))
