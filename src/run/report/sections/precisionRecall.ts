import { enoughSamples } from "../../../metrics/confusedPairs.ts"
import { count } from "../format.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents } from "./Shown.ts"

/** Precision over recall of the classes that are hardest to tell from the rest. */
export const precisionRecall: Contents = (shown) => {
  const { test } = shown.analysis
  if (test === null || test.precisionRecall.length === 0) return undefined
  const isAll = test.precisionRecall.length === test.test.perClass.length
  return html`<p>
      Each class against all others: how many of the photos that are answered with it are right (precision), and how
      many of its own are found (recall), as the threshold falls from 100 %.
      ${
        isAll
          ? "All classes."
          : `The ${count(test.precisionRecall.length)} classes with the lowest average precision (AP) of those with ${enoughSamples} ${shown.part} photos or more; the AP of each class is in the table of classes.`
      }
    </p>
    <div class="charts">
      ${figure(shown, "precision-recall", "The closer to the upper right corner, the better; AP is the area under a curve.")}
    </div>`
}
