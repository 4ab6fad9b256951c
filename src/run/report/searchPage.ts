import { duration, numberText } from "../../metrics/numberText.ts"
import type { RepeatedMean } from "../../metrics/repeatedMean.ts"
import type { Interval } from "../../metrics/wilson.ts"
import { columnHead, objectiveName } from "../search/objective.ts"
import type { SearchResult, SearchTrial } from "../search/SearchResult.ts"
import { countStates, recordOf, savedShare } from "../search/SearchResult.ts"
import {
  differenceToBest,
  bestSetting,
  isRepeated,
  meanRecord,
  rankedSettings,
  ranking,
  repetitionText,
  settingResults
} from "../search/SettingResult.ts"
import type { SettingResult } from "../search/SettingResult.ts"
import { settingHeads, settingsText, shortValue } from "../search/settings.ts"
import { count, dash, share } from "./format.ts"
import type { DrawnChart } from "./drawCharts.ts"
import { html } from "./html.ts"
import type { Html } from "./html.ts"
import { page } from "./page.ts"
import { mostCurves } from "./searchCharts.ts"
import { figure } from "./sections/figure.ts"

const columns = ["validationLoss", "trainLoss", "validationAccuracy", "trainAccuracy"] as const

const valueCell = (value: number | null | undefined) =>
  html`<td data-value="${value ?? ""}">${value === null || value === undefined ? dash : numberText(value)}</td>`

const card = (name: string, value: string, more: string) =>
  html`<div class="card"><span>${name}</span><b>${value}</b><span>${more}</span></div>`

const summary = (search: SearchResult) => {
  const { passes, seconds, trials } = search
  const { goal } = search.config.objective
  const name = objectiveName(search.config.objective)
  const best = bestSetting(search)
  const repeated = isRepeated(search)
  const settings = settingResults(search)
  const states = countStates(search)
  const others = (["stopped", "failed", "diverged", "waiting", "running"] as const)
    .filter((state) => states[state] > 0)
    .map((state) => `${states[state]} ${state}`)
  const saved = savedShare(search)
  const which = `the ${goal === "min" ? "least" : "greatest"} is the best`
  return html`<div class="cards">
      ${
        best !== undefined &&
        card(
          `Best ${repeated ? "mean " : ""}${columnHead(name)}`,
          numberText(best.metric ?? Number.NaN),
          `${best.id}; ${best.spread === null ? which : `95 %: ${intervalText(best.spread.interval)}`}`
        )
      }
      ${
        repeated &&
        card(
          "Settings finished",
          `${settings.filter(({ state }) => state === "finished").length} of ${settings.length}`,
          `each trained on ${repetitionText(search.config)}`
        )
      }
      ${card("Trials finished", `${states.finished} of ${trials.length}`, others.join(", "))}
      ${card("Time", duration(seconds), search.config.strategy.kind)}
      ${saved !== null && card("Passes saved", share(saved), `${count(passes.made)} images instead of ${count(passes.wanted)}`)}
    </div>
    ${
      best === undefined
        ? html`<p>No ${repeated ? "setting" : "trial"} was finished.</p>`
        : html`<p>
            The best, ${repeated ? best.id : html`<a href="${best.trials[0].folder}/report.html">${best.id}</a>`}:
            <code>${settingsText(best.settings)}</code>. As a configuration: <code>best.toml</code> beside this
            page${repeated && ", without a fold and with the base's seed"}.
          </p>`
    }`
}

const intervalText = ({ high, low }: Interval) => `${numberText(low)} to ${numberText(high)}`

const intervalCell = (spread: RepeatedMean | null) =>
  spread === null
    ? html`<td data-value="">${dash}</td>`
    : html`<td data-value="${spread.mean}">${intervalText(spread.interval)}</td>`

const axisHeads = (search: SearchResult) =>
  settingHeads(search.config.axes.map(({ path }) => path)).map(
    (head) => html`<th scope="col" class="text">${head}</th>`
  )

const axisCells = (search: SearchResult, settings: SearchTrial["settings"]) =>
  search.config.axes.map(({ path }) => html`<td class="text">${shortValue(settings[path])}</td>`)

/** A setting's number, with which its trials' names begin. */
const numberOf = ({ id }: SettingResult): string => id.split("-", 1)[0] ?? ""

/** The table of settings that are trained several times each. */
const settingTable = (search: SearchResult) => {
  const { folds, objective } = search.config
  const ranked = rankedSettings(search)
  const best = bestSetting(search)
  const others = settingResults(search).filter(({ id }) => ranked.every((one) => one.id !== id))
  const means = (["validationLoss", "validationAccuracy"] as const).filter((column) => column !== objective.metric)
  const row = (setting: SettingResult, place: number | undefined) => {
    const difference = differenceToBest(search, setting)
    return html`<tr${setting.id === best?.id ? html` class="ours"` : ""}>
      <td data-value="${place ?? search.trials.length + 1}">${place ?? dash}</td>
      <td class="text">${numberOf(setting)}</td>
      ${axisCells(search, setting.settings)}
      ${valueCell(setting.metric)}${intervalCell(setting.spread)}${valueCell(setting.spread?.deviation)}
      ${intervalCell(difference)}
      ${means.map((column) => valueCell(meanRecord(setting, column)))}
      <td>${setting.trials.filter(({ metric }) => metric !== null).length}</td>
      <td class="text word">${setting.state}</td>
    </tr> `
  }
  return html`<p>
      Means over ${repetitionText(search.config)}. The interval of the mean is that of Student's
      t${
        folds === undefined
          ? "."
          : html`, with the variance that Nadeau and Bengio (2003) give for folds, which train on much the same photos.`
      }
      A setting's difference to the best is measured between trainings with the same
      ${folds === undefined ? "seed" : search.config.seeds === undefined ? "fold" : "seed and fold"}: where its interval
      has 0 in it, these trainings do not tell the two apart.
    </p>
    <div class="scroll tall" role="region" aria-label="Settings" tabindex="0">
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col" aria-sort="ascending">place</th>
            <th scope="col" class="text">setting</th>
            ${axisHeads(search)}
            <th scope="col">${columnHead(objectiveName(objective))}</th>
            <th scope="col">95 %</th>
            <th scope="col">deviation</th>
            <th scope="col">to the best, 95 %</th>
            ${means.map((column) => html`<th scope="col">${columnHead(column)}</th>`)}
            <th scope="col">trials</th>
            <th scope="col" class="text">state</th>
          </tr>
        </thead>
        <tbody>
          ${ranked.map((setting, i) => row(setting, i + 1))}${others.map((setting) => row(setting, undefined))}
        </tbody>
      </table>
    </div>`
}

/** Cells that tell the repetitions of a setting apart. */
const repetitionCells = ({ config: { folds, seeds } }: SearchResult, { repetition }: SearchTrial) => [
  seeds !== undefined && html`<td>${repetition?.seed ?? dash}</td>`,
  folds !== undefined && html`<td>${repetition?.fold ?? dash}</td>`
]

const row = (search: SearchResult, trial: SearchTrial, place: number | undefined, isBest: boolean): Html => {
  const name = objectiveName(search.config.objective)
  const own = columns.some((column) => column === name) ? [] : [trial.metric]
  return html`<tr${isBest ? html` class="ours"` : ""}>
    <td data-value="${place ?? search.trials.length + 1}">${place ?? dash}</td>
    <td class="text">${isBest ? html`<a href="${trial.folder}/report.html">${trial.id}</a>` : trial.id}</td>
    ${repetitionCells(search, trial)}${axisCells(search, trial.settings)}
    ${own.map(valueCell)}
    ${columns.map((column) => valueCell(recordOf(trial)?.[column]))}
    <td>${trial.history.length}</td>
    <td class="text word">${trial.state}</td>
  </tr> `
}

const table = (search: SearchResult) => {
  const name = objectiveName(search.config.objective)
  const ranked = ranking(search)
  const best = bestSetting(search)
  const places = new Map(
    rankedSettings(search).flatMap(({ trials }, i) => trials.map(({ id }) => [id, i + 1] as const))
  )
  const { folds, seeds } = search.config
  const others = search.trials.filter((trial) => !ranked.includes(trial))
  const own = columns.some((column) => column === name) ? [] : [name]
  return html`<div class="scroll tall" role="region" aria-label="Trials" tabindex="0">
    <table class="sortable">
      <thead>
        <tr>
          <th scope="col" aria-sort="ascending">place</th>
          <th scope="col" class="text">trial</th>
          ${seeds !== undefined && html`<th scope="col">seed</th>`}${folds !== undefined && html`<th scope="col">fold</th>`}
          ${axisHeads(search)} ${own.map((head) => html`<th scope="col">${head}</th>`)}
          ${columns.map((column) => html`<th scope="col">${columnHead(column)}</th>`)}
          <th scope="col">epochs</th>
          <th scope="col" class="text">state</th>
        </tr>
      </thead>
      <tbody>
        ${ranked.map((trial) => row(search, trial, places.get(trial.id), best?.trials.includes(trial) === true))}
        ${others.map((trial) => row(search, trial, undefined, false))}
      </tbody>
    </table>
  </div>`
}

const failures = ({ duplicates, trials }: SearchResult) => {
  const broken = trials.filter(({ detail }) => detail !== undefined)
  return [
    broken.length > 0 &&
      html`<h3>Failed or diverged</h3>
        <dl>
          ${broken.map(
            ({ detail, id }) =>
              html`<dt>${id}</dt>
                <dd>${detail}</dd>`
          )}
        </dl>`,
    duplicates.length > 0 &&
      html`<h3>Trained once, as the configuration is the same</h3>
        <dl>
          ${duplicates.map(
            ({ sameAs, settings }) =>
              html`<dt>${sameAs}</dt>
                <dd>${settingsText(settings)}</dd>`
          )}
        </dl>`
  ]
}

/** A search's `report.html`. */
export const searchPage = (search: SearchResult, charts: ReadonlyMap<string, DrawnChart>) => {
  const { axes, name, objective } = search.config
  const repeated = isRepeated(search)
  const whose = repeated ? "setting" : "trial"
  const drawn = axes.flatMap(({ path }, i) => {
    const one = figure({ charts }, `axis-${i + 1}`, html`<code>${path}</code>`)
    return one === undefined ? [] : [one]
  })
  return page({
    title: name,
    subtitle: html`A search (${search.config.strategy.kind}) over ${axes.map(({ path }) => path).join(", ")}, by
    ${repeated && "the mean of "}${objectiveName(objective)}`,
    summary: summary(search),
    sections: [
      ...(repeated
        ? [
            {
              id: "settings",
              heading: "Settings",
              body: html`${settingTable(search)}
                <div class="charts">
                  ${figure({ charts }, "settings", "Each dot is a training; the orange line is the mean, with its 95 % interval.")}
                </div>`
            }
          ]
        : []),
      { id: "trials", heading: "Trials", body: html`${table(search)}${failures(search)}` },
      ...(charts.has("curves")
        ? [
            {
              id: "curves",
              heading: "Curves",
              body: html`<p>
                  Of the best ${Math.min(mostCurves, rankedSettings(search).length)}
                  ${whose}s${repeated && ": means over the trainings of each"}.
                </p>
                <div class="charts">
                  ${figure({ charts }, "curves", "Over the epochs.")}
                  ${figure({ charts }, "train-loss", "Training loss over the epochs.")}
                </div>`
            }
          ]
        : []),
      ...(drawn.length > 0
        ? [
            {
              id: "axes",
              heading: "The objective along each axis",
              body: html`<p>
                  Each dot is a finished ${whose}, whatever its other settings; the orange line is the median of a row.
                  A row whose dots are all better than another's tells more than the row with the single best dot.
                </p>
                <div class="charts">${drawn}</div>`
            }
          ]
        : [])
    ],
    footer: html`Made by Weft from the search's folder: <code>search.json</code>,
      <code>trials.csv</code>${repeated && html`, <code>settings.csv</code>`}. The page of any other trial:
      <code>pipeline:report</code> with its folder under <code>trials/</code>.`
  })
}
