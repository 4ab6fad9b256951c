import { duration } from "../../../metrics/numberText.ts"
import type { Report } from "../../../metrics/Report.ts"
import { count, share } from "../format.ts"
import { html } from "../html.ts"
import { bar } from "./figure.ts"
import type { Contents } from "./Shown.ts"

/** Seconds of a run's stages. The time before the training is known only for runs that were not resumed. */
export const stagesOf = ({ data, history, measuringSeconds, seconds }: Report) => {
  const training = history.reduce(
    (sum, { imagesPerSecond }) => sum + (imagesPerSecond > 0 ? data.train / imagesPerSecond : 0),
    0
  )
  const epochs = history.reduce((sum, record) => sum + record.seconds, 0)
  const waiting = history.reduce(
    (sum, { imagesPerSecond, waiting }) =>
      sum + (imagesPerSecond > 0 ? (data.train / imagesPerSecond) * (waiting ?? 0) : 0),
    0
  )
  const before = measuringSeconds === undefined ? undefined : seconds - epochs - measuringSeconds
  return {
    before: before !== undefined && before >= 0 ? before : undefined,
    training,
    validation: Math.max(0, epochs - training),
    measuring: measuringSeconds,
    waiting
  }
}

/** Where the time went, and how much of it the engine waited for images. */
export const time: Contents = ({ facts: { report } }) => {
  const stages = stagesOf(report)
  const rows = [
    ["reading and checking the data, opening the engine", stages.before],
    ["training", stages.training],
    ["validation after each epoch", stages.validation],
    ["measuring the trained model, writing", stages.measuring]
  ] as const
  const all = rows.reduce((sum, [, seconds]) => sum + (seconds ?? 0), 0)
  const speed = stages.training > 0 ? (report.data.train * report.history.length) / stages.training : 0
  return html`<div class="scroll" role="region" aria-label="Where the time went" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">time</th>
            <th scope="col" class="text">share</th>
          </tr>
        </thead>
        <tbody>
          ${rows.flatMap(([name, seconds]) =>
            seconds === undefined
              ? []
              : [
                  html`<tr>
                    <td>${name}</td>
                    <td>${duration(seconds)}</td>
                    <td class="text">
                      ${bar(all > 0 ? seconds / all : 0, 90)}${share(all > 0 ? seconds / all : null)}
                    </td>
                  </tr> `
                ]
          )}
        </tbody>
      </table>
    </div>
    <p>
      ${count(speed)} images a second while training. The engine waited for images in
      ${share(stages.training > 0 ? stages.waiting / stages.training : null)} of that
      time.${
        stages.before === undefined &&
        html` The run was resumed, or is an older one: the time before the training is not known.`
      }
    </p>`
}
