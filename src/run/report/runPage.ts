import { networkName } from "./format.ts"
import { html } from "./html.ts"
import type { Section } from "./page.ts"
import { page } from "./page.ts"
import { calibration } from "./sections/calibration.ts"
import { classes, confusion } from "./sections/classes.ts"
import { data } from "./sections/data.ts"
import { firstBatch } from "./sections/firstBatch.ts"
import { contradictions, leakage } from "./sections/leakage.ts"
import { labelErrors, losses, pairs } from "./sections/photos.ts"
import { occlusion } from "./sections/occlusion.ts"
import { precisionRecall } from "./sections/precisionRecall.ts"
import { receipt } from "./sections/receipt.ts"
import type { Contents, Shown } from "./sections/Shown.ts"
import { summary } from "./sections/summary.ts"
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
  ["calibration", "Calibration", calibration],
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

const sectionsOf = (shown: Shown, isShown: (id: string) => boolean) =>
  contents.flatMap(([id, heading, render]): ReadonlyArray<Section> => {
    const body = isShown(id) ? render(shown) : undefined
    return body === undefined ? [] : [{ id, heading, body }]
  })

/** A part of the catalogue, measured again: `report-PART.html`. */
export const partPage = (shown: Shown) => {
  const { facts, part } = shown
  return page({
    title: `${facts.name}: ${part} part`,
    subtitle: html`${networkName(facts.report.model)}, measured again from the stored weights. The run itself:
      <a href="report.html">report.html</a>`,
    summary: html`${
      part === "train" &&
      html`<p class="note">The model was trained on these photos: its metrics here say nothing of other photos.</p>`
    }
    ${summary(shown)}`,
    sections: sectionsOf(shown, (id) => partContents.has(id)),
    footer: html`Made by Weft ${facts.report.receipt.versions["weft"] ?? ""} from the run's folder.`
  })
}

/** A run's `report.html`. */
export const runPage = (shown: Shown) => {
  const { facts } = shown
  const { engine, model } = facts.report
  const { height, width } = facts.config.image
  return page({
    title: facts.name,
    subtitle: html`${networkName(model)} at ${width}x${height}, on ${engine.name} (${engine.device})`,
    summary: summary(shown),
    sections: sectionsOf(shown, () => true),
    footer: html`Made by Weft ${facts.report.receipt.versions["weft"] ?? ""} from the run's folder. Metrics for
      programs: <code>report.json</code>; charts for papers: <code>charts/</code>.`
  })
}
