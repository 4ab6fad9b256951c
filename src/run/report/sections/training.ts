import { duration } from "../../../metrics/numberText.ts"
import { enginesText } from "../../../metrics/enginesUsed.ts"
import { count, loss, rate, share } from "../format.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents, Shown } from "./Shown.ts"

const epochTable = ({ facts: { report } }: Shown) =>
  html`<details${report.history.length <= 12 ? html` open` : ""}>
<summary>The epochs as a table</summary><div class="scroll" role="region" aria-label="Epochs" tabindex="0"><table>
<thead><tr><th scope="col">epoch</th><th scope="col">train loss</th><th scope="col">val loss</th><th scope="col">train acc</th><th scope="col">val acc</th><th scope="col">learning rate</th><th scope="col">images/s</th><th scope="col">time</th></tr></thead>
<tbody>${report.history.map(
    (record) =>
      html`<tr${record.epoch === report.chosenEpoch ? html` class="ours"` : ""}><td>${record.epoch}</td><td>${loss(record.trainLoss)}</td><td>${loss(record.validationLoss)}</td><td>${share(record.trainAccuracy)}</td><td>${share(record.validationAccuracy)}</td><td>${rate(record.learningRate)}</td><td>${count(record.imagesPerSecond)}</td><td>${duration(record.seconds)}</td></tr>\n`
  )}</tbody></table></div></details>`

/** Loss, accuracy and learning rate, over epochs and over steps. */
export const training: Contents = (shown) => {
  const { report, steps } = shown.facts
  const last = steps.at(-1)
  const changed = enginesText(report.history)
  const per = Math.max(0, ...steps.map(({ steps }) => steps))
  return html`<p>
      The weights are those of epoch ${report.chosenEpoch} of ${report.history.length}. Training metrics are means over
      an epoch as it was trained, with augmentation and dropout on; validation metrics are measured after
      it.${report.calibration !== undefined && html` All losses here are as trained, without the temperature.`}
    </p>
    ${changed !== undefined && html`<p class="note">${changed} The weights are then not those of one engine.</p>`}
    <div class="charts">
      ${figure(shown, "loss", "Mean loss of each epoch, nats. The dotted line is the epoch whose weights are the model.", { table: false })}
      ${figure(shown, "accuracy", "Accuracy of each epoch.", { table: false })}
      ${figure(
        shown,
        "loss-steps",
        `Training loss over ${count(last?.step ?? 0)} steps${per > 1 ? `; each point is the mean of up to ${per}` : ""}.`
      )}
      ${figure(shown, "learning-rate", last === undefined ? "Learning rate of each epoch's last step." : "Learning rate over the steps.")}
    </div>
    ${epochTable(shown)}`
}
