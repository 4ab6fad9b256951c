import { networkName } from "./format.ts"
import type { Html } from "./html.ts"
import { html } from "./html.ts"
import type { Section } from "./page.ts"
import { page } from "./page.ts"
import type { RunAnalysis } from "./RunAnalysis.ts"
import { chartsOfColumn } from "./runCharts.ts"
import { calibration } from "./sections/calibration.ts"
import { classes, confusion } from "./sections/classes.ts"
import { columnBody, columnsTable, unseenPairs } from "./sections/columns.ts"
import type { ShownColumn } from "./sections/columns.ts"
import { data } from "./sections/data.ts"
import { firstBatch } from "./sections/firstBatch.ts"
import { contradictions, leakage } from "./sections/leakage.ts"
import { labelNoise } from "./sections/labelNoise.ts"
import { labelErrors, losses, pairs } from "./sections/photos.ts"
import { occlusion } from "./sections/occlusion.ts"
import { precisionRecall } from "./sections/precisionRecall.ts"
import { receipt } from "./sections/receipt.ts"
import type { Contents, Shown } from "./sections/Shown.ts"
import { runSummary, summary } from "./sections/summary.ts"
import { time } from "./sections/time.ts"
import { training } from "./sections/training.ts"

/** In the order of the page. */
const contents: ReadonlyArray<readonly [string, string, Contents]> = [
  ["training", "Training", training],
  ["first-batch", "What the network sees", firstBatch],
  ["classes", "Classes", classes],
  ["confusion", "Confusion", confusion],
  ["precision-recall", "Precision and recall", precisionRecall],
  ["pairs", "Most confused pairs", pairs],
  ["losses", "Highest losses", losses],
  ["occlusion", "Where it looked", occlusion],
  ["labels", "Likely label errors", labelErrors],
  ["label-noise", "Label noise", labelNoise],
  ["calibration", "Calibration", calibration],
  ["unseen-pairs", "Values that never occur together", unseenPairs],
  ["leakage", "Leakage", leakage],
  ["contradictions", "Labels that contradict each other", contradictions],
  ["data", "Data", data],
  ["time", "Time", time],
  ["receipt", "Receipt", receipt]
]

/** The sections of a part that was measured again; the others are of the run, and on its own page. */
const partContents = new Set([
  "classes",
  "precision-recall",
  "confusion",
  "pairs",
  "losses",
  "labels",
  "calibration",
  "receipt"
])

/** The sections that each of several label columns has of its own. */
const columnContents = new Set(["classes", "confusion", "precision-recall", "pairs", "losses", "labels", "calibration"])

/** Of these, the ones that need one true class of each photo. */
const oneValueContents = new Set(["confusion", "pairs", "losses", "labels"])

const sectionsWhere = (shown: Shown, isShown: (id: string) => boolean) =>
  contents.flatMap(([id, heading, render]): ReadonlyArray<Section> => {
    const body = isShown(id) ? render(shown) : undefined
    return body === undefined ? [] : [{ id, heading, body }]
  })

/** What a page is made of: with several label columns, the analysis of each. */
type ShownRun = Shown & { readonly analysis: RunAnalysis }

/** The label columns as the page links to them; none where there is one with one value. */
const shownColumns = ({ analysis }: ShownRun): ReadonlyArray<ShownColumn> =>
  analysis.columns.map(({ analysis, name, values }, index) => ({ id: `column-${index + 1}`, name, values, analysis }))

/** The section of each label column. */
const columnSections = (shown: ShownRun): ReadonlyArray<Section> =>
  shown.analysis.columns.map(({ analysis, facts, name, values }, index) => {
    const own: Shown = { ...shown, facts, analysis, charts: chartsOfColumn(shown.charts, index) }
    const counts = shown.facts.report.data.columns?.[index]
    const parts = sectionsWhere(
      own,
      (id) => columnContents.has(id) && !(values === "several" && oneValueContents.has(id))
    )
    return { id: `column-${index + 1}`, heading: name, body: columnBody(own, counts, parts) }
  })

/** The sections of a page: those of the label columns stand behind the training's. */
const sectionsOf = (shown: ShownRun, isShown: (id: string) => boolean): ReadonlyArray<Section> => {
  if (shown.analysis.columns.length === 0) return sectionsWhere(shown, isShown)
  const isBefore = (id: string) => id === "training" || id === "first-batch"
  return [
    ...sectionsWhere(shown, (id) => isShown(id) && isBefore(id)),
    ...columnSections(shown),
    ...sectionsWhere(shown, (id) => isShown(id) && !isBefore(id) && !columnContents.has(id))
  ]
}

/** The metrics above the sections. */
const summaryOf = (shown: ShownRun): Html => {
  const columns = shownColumns(shown)
  return columns.length === 0 ? summary(shown) : html`${columnsTable(columns, shown.part)}${runSummary(shown)}`
}

/** A part of the catalogue, measured again: `report-PART.html`. */
export const partPage = (shown: ShownRun) => {
  const { facts, part } = shown
  return page({
    title: `${facts.name}: ${part} part`,
    subtitle: html`${networkName(facts.report.model)}, measured again from the stored weights. The run itself:
      <a href="report.html">report.html</a>`,
    summary: html`${
      part === "train" &&
      html`<p class="note">The model was trained on these photos: its metrics here say nothing of other photos.</p>`
    }
    ${summaryOf(shown)}`,
    sections: sectionsOf(shown, (id) => partContents.has(id)),
    footer: html`Made by Weft ${facts.report.receipt.versions["weft"] ?? ""} from the run's folder.`
  })
}

/** A run's `report.html`. */
export const runPage = (shown: ShownRun) => {
  const { facts } = shown
  const { engine, model } = facts.report
  const { height, width } = facts.config.image
  return page({
    title: facts.name,
    subtitle: html`${networkName(model)} at ${width}x${height}, on ${engine.name} (${engine.device})`,
    summary: summaryOf(shown),
    sections: sectionsOf(shown, () => true),
    footer: html`Made by Weft ${facts.report.receipt.versions["weft"] ?? ""} from the run's folder. Metrics for
      programs: <code>report.json</code>; charts for papers: <code>charts/</code>.`
  })
}
