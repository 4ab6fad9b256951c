import { duration, numberText, percent } from "../../metrics/numberText.ts"
import { objectiveName } from "../../run/search/objective.ts"
import { rank } from "../../run/search/objective.ts"
import type { SearchResult, SearchTrial } from "../../run/search/SearchResult.ts"
import { countStates, savedShare, secondsLeft, trialEpochs } from "../../run/search/SearchResult.ts"
import { isRepeated, settingResults } from "../../run/search/SettingResult.ts"
import { cut, trialTable } from "./trialTable.ts"

const words = (trials: ReadonlyArray<SearchTrial>): string => {
  const counts = countStates({ trials })
  const counted = (["running", "waiting", "finished", "stopped", "failed", "diverged"] as const).filter(
    (state) => counts[state] > 0
  )
  return counted.map((state) => `${counts[state]} ${state}`).join(", ")
}

/** As many of the parts, the first ones first, as fit into a line. */
const fitted = (parts: ReadonlyArray<string>, width: number) => {
  let line = cut(parts[0] ?? "", width)
  for (const part of parts.slice(1)) if (line.length + 2 + part.length <= width) line += `  ${part}`
  return line
}

/**
 * The trials with an objective that did not fail, the best first; a running one's objective is that of its epochs so
 * far.
 */
const bestSoFar = ({ config, trials }: SearchResult) =>
  rank(
    trials.filter(({ metric, state }) => metric !== null && state !== "failed" && state !== "diverged"),
    config.objective.goal
  )

/** The most useful part comes first: a narrow line has only that. */
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

/** The best setting so far; none before all its repetitions have an objective: a mean of some is that of other folds. */
const bestSettingSoFar = (search: SearchResult) => {
  const [best] = rank(
    settingResults(search).filter(({ metric, state }) => metric !== null && state !== "failed" && state !== "diverged"),
    search.config.objective.goal
  )
  return best
}

const bestLine = (search: SearchResult): ReadonlyArray<string> => {
  const best = bestSettingSoFar(search)
  const name = `${isRepeated(search) ? "mean " : ""}${objectiveName(search.config.objective)}`
  return best === undefined || best.metric === null
    ? []
    : [`best so far: ${name} ${numberText(best.metric)}, ${best.id}`]
}

/** A search's progress in one line: for logs, and where there is no room for a table. */
export const trialsLine = (search: SearchResult): string =>
  [...headline(search).slice(0, -1), ...bestLine(search)].join("; ")

/**
 * The trials that are shown, by number: all, or the running ones, the best, and then others as far as there is room.
 */
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
 * A search's progress for a terminal: lines of at most `columns` characters, at most `rows` of them.
 *
 * A headline, the best trial so far, and a row for each trial; where not all have room, counts of the others.
 */
export const liveTrials = (
  search: SearchResult,
  { columns, rows }: { readonly columns: number; readonly rows: number }
): ReadonlyArray<string> => {
  const top = [fitted(headline(search), columns), ...bestLine(search).map((line) => cut(line, columns))]
  const room = rows - top.length - 1
  const all = search.trials.length <= room
  // A table of one or two rows says less than the two lines above it.
  if (!all && room < 4) return top.slice(0, rows)
  const shown = onShow(search, all ? room : room - 1)
  const isShown = new Set(shown)
  const others = search.trials.filter((trial) => !isShown.has(trial))
  return [
    ...top,
    ...trialTable(search, shown, new Set(bestSettingSoFar(search)?.trials.map(({ id }) => id)), columns),
    ...(others.length === 0 ? [] : [cut(`   and ${others.length} more: ${words(others)}`, columns)])
  ]
}
