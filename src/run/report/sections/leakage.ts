import { alike } from "../../../pipeline/fingerprint.ts"
import type { Contradiction, Shared, ShownRow } from "../../../pipeline/leakage.ts"
import { nameRuleText, sharedText } from "../../../pipeline/leakage.ts"
import { count, dash, interval, share } from "../format.ts"
import { html } from "../html.ts"
import type { Measured } from "../leakageAnalysis.ts"
import { pictureOf } from "./photos.ts"
import type { Contents, Shown } from "./Shown.ts"

const row = (name: string, samples: number, measured: Measured | null) =>
  html`<tr>
    <td class="wrap text">${name}</td>
    <td>${count(samples)}</td>
    <td>${share(measured?.accuracy)}</td>
    <td>${interval(measured?.accuracyInterval)}</td>
    <td>${share(measured?.weightedF1)}</td>
    <td>${interval(measured?.weightedF1Interval)}</td>
  </tr> `

/** A photo with its label, and what is to be known of it beside its id. */
const photo = (shown: Shown, one: ShownRow, text?: string) =>
  html`<div>
    ${pictureOf(shown, one, `labelled ${one.label}`)}
    <div>${one.label}</div>
    <div class="quiet">${one.id}${text !== undefined && html`, ${text}`}</div>
  </div> `

const pairs = (shown: Shown, one: Shared) =>
  one.examples.length > 0 &&
  html`<details>
    <summary>
      ${count(one.examples.length)} of ${count(one.test)} test photos that share ${sharedText(one)} with a training
      photo, and that photo
    </summary>
    ${one.examples.map(
      ({ test, train }) =>
        html`<div class="strip">${photo(shown, test, "test")}${photo(shown, train, "training")}</div>`
    )}
  </details> `

const validationText = ({
  shared,
  validation
}: {
  readonly shared: ReadonlyArray<Shared>
  readonly validation: number
}) => shared.map((one) => `${sharedText(one)} ${count(one.validation)}`).join(", ") + ` of ${count(validation)}`

/** What the test part shares with the training part, and the metrics with and without those photos. */
export const leakage: Contents = (shown) => {
  const found = shown.analysis.leakage
  if (found === null) return undefined
  const { all, free, none, shared } = found
  const { notes, test } = found.found
  const hasLooks = shared.some(({ of }) => of.kind === "looks")
  return html`<p>
      The test photos that share something with a photo that was trained on, and the metrics with and without them. A
      network may remember what it has seen; but products with several photos may be easier in any case. A run that is
      divided by product tells the one from the other.
      ${
        hasLooks &&
        html`Photos look alike where at most ${alike.bits} of their fingerprints' 256 bits differ, and at most
        ${share(alike.share)} of those that are set; the same bytes are counted apart.`
      }
      A column counts where it looks like products' names: ${nameRuleText}.
    </p>
    ${
      notes.length > 0 &&
      html`<ul>
        ${notes.map((note) => html`<li>${note}</li> `)}
      </ul>`
    }
    <div class="scroll" role="region" aria-label="Metrics with and without shared photos" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col" class="text">test photos</th>
            <th scope="col">photos</th>
            <th scope="col">accuracy</th>
            <th scope="col">95 % (Wilson)</th>
            <th scope="col">weighted F1</th>
            <th scope="col">95 % (delta method)</th>
          </tr>
        </thead>
        <tbody>
          ${row("all", test, all)}
          ${shared.map(
            ({ of, others, own }) =>
              html`${row(`share ${sharedText(of)}`, of.test, own)}${row("do not share it", test - of.test, others)}`
          )}
          ${row("share nothing of these", free, none)}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      Validation photos that share with a training photo: ${shared.length === 0 ? dash : validationText(found.found)}.
      Divide by product instead: <code>data.split.by = { group = "COLUMN" }</code>; keep photos that look alike in one
      part: <code>data.split.nearDuplicates = "together"</code>.
    </p>
    ${shared.map(({ of }) => pairs(shown, of))}`
}

const contradiction = (shown: Shown, one: Contradiction) =>
  html`<h3>
      ${one.labels !== undefined && html`${one.labels}: `}${count(one.sets)} ${one.sets === 1 ? "set" : "sets"} of rows
      that share ${sharedText(one)}: ${count(one.rows)} rows
    </h3>
    ${one.examples.length < one.sets && html`<p class="quiet">The largest ${count(one.examples.length)} are shown.</p>`}
    ${one.examples.map(
      ({ labels, rows, shared }) =>
        html`<div>
          <div>
            ${shared !== undefined && html`${shared}: `}${labels.map(([label, n]) => `${label} ${count(n)}`).join(", ")}
          </div>
          <div class="strip">${rows.map((sample) => photo(shown, sample))}</div>
        </div> `
    )}`

/** Rows with the same image or the same name, and different labels. */
export const contradictions: Contents = (shown) => {
  const found = shown.analysis.leakage?.found.contradictions.filter(({ sets }) => sets > 0)
  if (found === undefined) return undefined
  return found.length === 0
    ? html`<p>Rows with the same image, or the same name, have the same label everywhere.</p>`
    : html`<p>
          One image with two labels is a mistake in one of them; one name with two labels often is.
          <code>data.conflicts</code>
          says what becomes of the first kind.
        </p>
        ${found.map((one) => contradiction(shown, one))}`
}
