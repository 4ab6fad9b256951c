import { metricsAt, metricText, valueIn } from "../../metrics/metrics.ts"
import { duration, percent } from "../../metrics/numberText.ts"
import type { Compared } from "./Comparison.ts"
import { differences } from "./differences.ts"
import { count, dash, interval, loss, networkName, share } from "./format.ts"
import type { DrawnChart } from "./drawCharts.ts"
import { html } from "./html.ts"
import { page } from "./page.ts"
import { figure } from "./sections/figure.ts"

/** A difference of shares, with its sign. */
const signed = (share: number) => `${share < 0 ? "−" : "+"}${percent(Math.abs(share))}`

const pairedText = ({ paired }: Compared) =>
  paired === null
    ? dash
    : html`${signed(paired.difference)}
        <span class="quiet"
          >(${signed(paired.interval.low)} to ${signed(paired.interval.high)}; right where the first is wrong:
          ${count(paired.gained)}, the other way round: ${count(paired.lost)})</span
        >`

const compared = metricsAt("comparison")

const cell = (value: number | null | undefined, shown: string) => html`<td data-value="${value ?? -1}">${shown}</td>`

const metricTable = (runs: ReadonlyArray<Compared>) =>
  html`<div class="scroll" role="region" aria-label="Metrics of the runs" tabindex="0">
    <table class="sortable dense">
      <thead>
        <tr>
          <th scope="col">run</th>
          <th scope="col" class="text">network</th>
          ${compared.map(({ title }) => html`<th scope="col">${title}</th> `)}
          <th scope="col">loss, as trained</th>
          <th scope="col">loss, calibrated</th>
          <th scope="col">epochs</th>
          <th scope="col">time</th>
          <th scope="col" class="text">engine</th>
        </tr>
      </thead>
      <tbody>
        ${runs.map(({ facts: { config, report }, name }) => {
          const { height, width } = config.image
          const asTrained = report.calibration?.test?.lossBefore ?? report.test?.loss
          return html`<tr>
            <td>${name}</td>
            <td class="text word">${networkName(report.model)} ${width}x${height}</td>
            ${compared.map((metric) => {
              const value = report.test && valueIn(report.test, metric)
              return cell(value, value === null ? dash : metricText(metric, value))
            })}
            ${cell(asTrained, loss(asTrained))}
            ${cell(report.calibration?.test?.lossAfter, loss(report.calibration?.test?.lossAfter))}
            ${cell(report.history.length, count(report.history.length))}
            ${cell(report.seconds, duration(report.seconds))}
            <td class="text word">${report.engine.name}</td>
          </tr> `
        })}
      </tbody>
    </table>
  </div>`

/** Notes on the metrics, for each run. */
const notes = (runs: ReadonlyArray<Compared>) =>
  runs.flatMap(({ facts: { report }, name }) => {
    const { test } = report
    const own = test === null ? [] : compared.flatMap((metric) => metric.note?.(test) ?? [])
    return [...new Set(own)].map((note) => html`<p class="quiet">${name}: ${note}</p> `)
  })

const withInterval = compared.filter(({ interval }) => interval !== undefined)

const intervalTable = (runs: ReadonlyArray<Compared>) =>
  html`<h3>Intervals at 95 %</h3>
    <div class="scroll" role="region" aria-label="Intervals of the metrics" tabindex="0">
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col">run</th>
            ${withInterval.map(({ title }) => html`<th scope="col">${title}</th> `)}
          </tr>
        </thead>
        <tbody>
          ${runs.map(
            ({ analysis: { test }, name }) =>
              html`<tr>
                <td>${name}</td>
                ${withInterval.map(({ path }) => {
                  const bounds = test?.intervals.get(path)
                  return cell(bounds?.low, interval(bounds))
                })}
              </tr> `
          )}
        </tbody>
      </table>
    </div>`

const paired = (runs: ReadonlyArray<Compared>) =>
  runs.some(({ paired }) => paired !== null) &&
  html`<h3>On the same test photos, against ${runs[0]?.name}</h3>
    <p>
      What both have right or wrong says nothing; the rest tells runs apart whose intervals overlap. The difference in
      accuracy, at 95 %:
    </p>
    <div class="scroll" role="region" aria-label="Differences in accuracy" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">run</th>
            <th scope="col" class="text">difference in accuracy</th>
          </tr>
        </thead>
        <tbody>
          ${runs.slice(1).map(
            (run) =>
              html`<tr>
                <td>${run.name}</td>
                <td class="text">${pairedText(run)}</td>
              </tr> `
          )}
        </tbody>
      </table>
    </div>`

const configurations = (runs: ReadonlyArray<Compared>) => {
  const found = differences(runs.map(({ facts }) => facts.config))
  return found.length === 0
    ? html`<p>The configurations are the same.</p>`
    : html`<div class="scroll" role="region" aria-label="What differs in the configuration" tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">key</th>
              ${runs.map(({ name }) => html`<th scope="col" class="text">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${found.map(
              ({ key, values }) =>
                html`<tr>
                  <td><code>${key}</code></td>
                  ${values.map((value) => html`<td class="text">${value ?? dash}</td>`)}
                </tr> `
            )}
          </tbody>
        </table>
      </div>`
}

const perClass = (runs: ReadonlyArray<Compared>) => {
  const scores = runs.map(
    ({ facts }) => new Map((facts.report.test?.perClass ?? []).map((score) => [score.label, score]))
  )
  const labels = [...new Set(scores.flatMap((scores) => [...scores.keys()]))]
  const rows = labels
    .map((label) => {
      const f1 = scores.map((scores) => scores.get(label)?.f1)
      const known = f1.filter((value) => value !== undefined)
      return { label, f1, spread: Math.max(...known) - Math.min(...known) }
    })
    .sort((a, b) => b.spread - a.spread)
  return html`<p>F1 of each class; those in which the runs differ most come first.</p>
    <div class="scroll tall" role="region" aria-label="F1 of each class" tabindex="0">
      <table class="sortable">
        <thead>
          <tr>
            <th scope="col">class</th>
            ${runs.map(({ name }) => html`<th scope="col" class="name">${name}</th>`)}
            <th scope="col" aria-sort="descending">spread</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ f1, label, spread }) =>
              html`<tr>
                <td>${label}</td>
                ${f1.map((value) => html`<td data-value="${value ?? -1}">${share(value)}</td>`)}
                <td data-value="${spread}">${share(spread)}</td>
              </tr> `
          )}
        </tbody>
      </table>
    </div>`
}

const warnings = (runs: ReadonlyArray<Compared>) => {
  const differ = (of: (run: Compared) => string) => new Set(runs.map(of)).size > 1
  return [
    differ(({ facts }) => facts.report.receipt.dataDigest) &&
      html`<p class="note">
        The runs' data differ: their metrics are of other test photos, and compare only roughly.
      </p>`,
    differ(({ facts: { config } }) => String(config.data.split.seed ?? config.seed)) &&
      html`<p class="note">The seeds of the runs' splits differ, and with them which photos are tested.</p>`,
    runs.flatMap(({ facts, name }) => facts.gaps.map((gap) => html`<p class="note">${name}: ${gap}</p>`))
  ]
}

/** A page that compares runs. */
export const comparisonPage = (runs: ReadonlyArray<Compared>, charts: ReadonlyMap<string, DrawnChart>) =>
  page({
    title: `${count(runs.length)} runs compared`,
    subtitle: html`${runs.map(({ name }) => name).join(", ")}`,
    summary: html`${warnings(runs)}${metricTable(runs)}${notes(runs)}${intervalTable(runs)}${paired(runs)}`,
    sections: [
      {
        id: "curves",
        heading: "Curves",
        body: html`<div class="charts">
          ${figure({ charts }, "validation-loss", "Validation loss of each epoch, as trained.")}
          ${figure({ charts }, "validation-accuracy", "Validation accuracy of each epoch.")}
          ${figure({ charts }, "train-loss", "Training loss of each epoch.")}
          ${figure({ charts }, "learning-rate", "Learning rate of each epoch's last step.")}
        </div>`
      },
      { id: "configuration", heading: "What differs in the configuration", body: configurations(runs) },
      { id: "classes", heading: "Classes", body: perClass(runs) }
    ],
    footer: html`Made by Weft from ${runs.map(({ facts }) => facts.path).join(", ")}.`
  })
