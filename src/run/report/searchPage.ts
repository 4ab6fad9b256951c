import { duration, numberText } from "../../metrics/numberText.ts"
import { columnHead, objectiveName } from "../search/objective.ts"
import type { SearchResult, SearchTrial } from "../search/SearchResult.ts"
import { countStates, ranking, recordOf, savedShare, winner } from "../search/SearchResult.ts"
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
  const best = winner(search)
  const states = countStates(search)
  const others = (["stopped", "failed", "diverged", "waiting", "running"] as const)
    .filter((state) => states[state] > 0)
    .map((state) => `${states[state]} ${state}`)
  const saved = savedShare(search)
  return html`<div class="cards">
      ${
        best !== undefined &&
        card(
          `Best ${columnHead(name)}`,
          numberText(best.metric ?? Number.NaN),
          `${best.id}; the ${goal === "min" ? "least" : "greatest"} is the best`
        )
      }
      ${card("Trials finished", `${states.finished} of ${trials.length}`, others.join(", "))}
      ${card("Time", duration(seconds), search.config.strategy.kind)}
      ${saved !== null && card("Passes saved", share(saved), `${count(passes.made)} images instead of ${count(passes.wanted)}`)}
    </div>
    ${
      best === undefined
        ? html`<p>No trial was finished.</p>`
        : html`<p>
            The best, <a href="${best.folder}/report.html">${best.id}</a>: <code>${settingsText(best.settings)}</code>.
            As a configuration: <code>best.toml</code> beside this page.
          </p>`
    }`
}

const row = (search: SearchResult, trial: SearchTrial, place: number | undefined, isBest: boolean): Html => {
  const name = objectiveName(search.config.objective)
  const own = columns.some((column) => column === name) ? [] : [trial.metric]
  return html`<tr${isBest ? html` class="ours"` : ""}>
    <td data-value="${place ?? search.trials.length + 1}">${place ?? dash}</td>
    <td class="text">${isBest ? html`<a href="${trial.folder}/report.html">${trial.id}</a>` : trial.id}</td>
    ${search.config.axes.map(({ path }) => html`<td class="text">${shortValue(trial.settings[path])}</td>`)}
    ${own.map(valueCell)}
    ${columns.map((column) => valueCell(recordOf(trial)?.[column]))}
    <td>${trial.history.length}</td>
    <td class="text word">${trial.state}</td>
  </tr> `
}

const table = (search: SearchResult) => {
  const name = objectiveName(search.config.objective)
  const ranked = ranking(search)
  const best = winner(search)
  const others = search.trials.filter((trial) => !ranked.includes(trial))
  const own = columns.some((column) => column === name) ? [] : [name]
  return html`<div class="scroll tall" role="region" aria-label="Trials" tabindex="0">
    <table class="sortable">
      <thead>
        <tr>
          <th scope="col" aria-sort="ascending">place</th>
          <th scope="col" class="text">trial</th>
          ${settingHeads(search.config.axes.map(({ path }) => path)).map((head) => html`<th scope="col" class="text">${head}</th>`)}
          ${own.map((head) => html`<th scope="col">${head}</th>`)}
          ${columns.map((column) => html`<th scope="col">${columnHead(column)}</th>`)}
          <th scope="col">epochs</th>
          <th scope="col" class="text">state</th>
        </tr>
      </thead>
      <tbody>
        ${ranked.map((trial, i) => row(search, trial, i + 1, trial === best))}
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
  const drawn = axes.flatMap(({ path }, i) => {
    const one = figure({ charts }, `axis-${i + 1}`, html`<code>${path}</code>`)
    return one === undefined ? [] : [one]
  })
  return page({
    title: name,
    subtitle: html`A search (${search.config.strategy.kind}) over ${axes.map(({ path }) => path).join(", ")}, by
    ${objectiveName(objective)}`,
    summary: summary(search),
    sections: [
      { id: "trials", heading: "Trials", body: html`${table(search)}${failures(search)}` },
      ...(charts.has("curves")
        ? [
            {
              id: "curves",
              heading: "Curves",
              body: html`<p>Of the best ${Math.min(mostCurves, ranking(search).length)} trials.</p>
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
                  Each dot is a finished trial, whatever its other settings; the orange line is the median of a row. A
                  row whose dots are all better than another's tells more than the row with the single best dot.
                </p>
                <div class="charts">${drawn}</div>`
            }
          ]
        : [])
    ],
    footer: html`Made by Weft from the search's folder: <code>search.json</code>, <code>trials.csv</code>. The page of
      any other trial: <code>pipeline:report</code> with its folder under <code>trials/</code>.`
  })
}
