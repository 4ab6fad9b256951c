import { count, loss, share } from "../format.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents } from "./Shown.ts"

/** Accuracies for which the page gives the share of photos that could be answered. */
const wanted = [0.9, 0.95, 0.99]

/** Calibration before and after temperature scaling, and the accuracy that withholding answers would give. */
export const calibration: Contents = (shown) => {
  const { test } = shown.analysis
  if (test === null || (test.calibration === null && test.coverage.length === 0)) return undefined
  const found = test.calibration
  const reach = wanted.flatMap((goal) => {
    const most = test.coverage.findLast(({ accuracy }) => accuracy >= goal)
    return most === undefined ? [] : [{ ...most, goal }]
  })
  return html`${
      found !== null &&
      html`<p>
        ${
          found.applied
            ? html`The model's probabilities are made with a temperature of ${found.temperature.toFixed(3)}, fitted on
              the validation part.`
            : html`No calibration is configured; with one (<code>calibration = {}</code>), a temperature of
                ${found.temperature.toFixed(3)} would be fitted on the validation part.`
        }
        On the ${shown.part} part the expected calibration error is ${share(found.metrics.eceBefore)} as trained and
        ${share(found.metrics.eceAfter)} calibrated; the loss is ${loss(found.metrics.lossBefore)} as trained and
        ${loss(found.metrics.lossAfter)} calibrated.
      </p>`
    }
    <div class="charts">
      ${figure(shown, "calibration", "On the diagonal, photos that are predicted with 80 % are right in 80 of 100. Below it the model is too sure of itself. The larger a dot, the more photos it is of.")}
      ${figure(shown, "coverage", `Accuracy where the model answers only what it is surest of; ${shown.part} part.`)}
    </div>
    ${
      reach.length > 0 &&
      html`<p>
          What withholding answers would have brought on these photos. On others it may be less: a threshold that keeps
          a promise is chosen by <code>pipeline:predict --threshold auto:0.95</code>.
        </p>
        <div class="scroll" role="region" aria-label="How many photos could be answered" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">accuracy here of at least</th>
                <th scope="col">answered</th>
                <th scope="col">withheld below a probability of</th>
              </tr>
            </thead>
            <tbody>
              ${reach.map(
                ({ coverage, goal, threshold }) =>
                  html`<tr>
                    <td>${share(goal)}</td>
                    <td>${share(coverage)} (${count(coverage * shown.facts.report.data.test)})</td>
                    <td>${threshold.toFixed(4)}</td>
                  </tr>`
              )}
            </tbody>
          </table>
        </div>`
    }`
}
