import { duration } from "../../../metrics/numberText.ts"
import type { EpochRecord } from "../../../metrics/Report.ts"
import type { StepSpan } from "../../train/StepSpan.ts"
import { enginesText } from "../../../metrics/enginesUsed.ts"
import { count, loss, rate, share } from "../format.ts"
import type { Html } from "../html.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents, Shown } from "./Shown.ts"

/** The epochs with their numbers; one of them is marked. */
export const epochTable = (history: ReadonlyArray<EpochRecord>, chosenEpoch: number | undefined): Html =>
  html`<details${history.length <= 12 ? html` open` : ""}>
<summary>The epochs as a table</summary><div class="scroll" role="region" aria-label="Epochs" tabindex="0"><table>
<thead><tr><th scope="col">epoch</th><th scope="col">train loss</th><th scope="col">val loss</th><th scope="col">train acc</th><th scope="col">val acc</th><th scope="col">learning rate</th><th scope="col">images/s</th><th scope="col">time</th></tr></thead>
<tbody>${history.map(
    (record) =>
      html`<tr${record.epoch === chosenEpoch ? html` class="ours"` : ""}><td>${record.epoch}</td><td>${loss(record.trainLoss)}</td><td>${loss(record.validationLoss)}</td><td>${share(record.trainAccuracy)}</td><td>${share(record.validationAccuracy)}</td><td>${rate(record.learningRate)}</td><td>${count(record.imagesPerSecond)}</td><td>${duration(record.seconds)}</td></tr>\n`
  )}</tbody></table></div></details>`

/** The charts of a training, as far as it has come. */
export const trainingFigures = (charts: Shown["charts"], steps: ReadonlyArray<StepSpan>): Html => {
  const last = steps.at(-1)
  const per = Math.max(0, ...steps.map(({ steps }) => steps))
  return html`<div class="charts">
    ${figure({ charts }, "loss", "Mean loss of each epoch, nats. The dotted line marks the epoch with the weights that are kept.", { table: false })}
    ${figure({ charts }, "accuracy", "Accuracy of each epoch.", { table: false })}
    ${figure(
      { charts },
      "loss-steps",
      `Training loss over ${count(last?.step ?? 0)} steps${per > 1 ? `; each point is the mean of up to ${per}` : ""}.`
    )}
    ${figure({ charts }, "learning-rate", last === undefined ? "Learning rate of each epoch's last step." : "Learning rate over the steps.")}
  </div>`
}

/** Loss, accuracy and learning rate, over epochs and over steps. */
export const training: Contents = (shown) => {
  const { report, steps } = shown.facts
  const changed = enginesText(report.history)
  return html`<p>
      The weights are those of epoch ${report.chosenEpoch} of ${report.history.length}. Training metrics are means over
      an epoch as it was trained, with augmentation and dropout on; validation metrics are measured after
      it.${report.calibration !== undefined && html` All losses here are as trained, without the temperature.`}
    </p>
    ${changed !== undefined && html`<p class="note">${changed} The weights are then not those of one engine.</p>`}
    ${trainingFigures(shown.charts, steps)} ${epochTable(report.history, report.chosenEpoch)}`
}
