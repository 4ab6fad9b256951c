import type { Cause } from "../../../pipeline/Ledger.ts"
import { byCause, byKind, reasonWords, rowsText, sumText } from "../../../pipeline/Ledger.ts"
import { percent } from "../../../metrics/numberText.ts"
import { count } from "../format.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents, Shown } from "./Shown.ts"

const examples = 4
const longest = 120
/** At most so many left-out classes are named. */
const mostLeftOut = 100

const shortened = (text: string) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text)

const exampleOf = (cause: Cause) => {
  const [{ text }] = cause.rows
  return html`<div>
    ${rowsText(cause)}: ${cause.detail}${text === undefined ? "" : html` <code>${shortened(text)}</code>`}
  </div>`
}

/** Rows by reason, with examples. */
const reasonTable = ({ facts: { refusals } }: Shown, counts: Readonly<Record<string, number>>) =>
  html`<div class="scroll" role="region" aria-label="Rows by reason" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">reason</th>
          <th scope="col">rows</th>
          <th scope="col" class="text">examples</th>
        </tr>
      </thead>
      <tbody>
        ${Object.entries(counts).map(
          ([reason, rows]) =>
            html`<tr>
              <td class="word">${reasonWords(reason)}</td>
              <td>${count(rows)}</td>
              <td class="wrap text">
                ${byCause(refusals.filter((refusal) => refusal.reason === reason))
                  .slice(0, examples)
                  .map(exampleOf)}
              </td>
            </tr> `
        )}
      </tbody>
    </table>
  </div>`

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, rows) => sum + rows, 0)

/** The rows that were not kept: faults of the data first, then those that the configuration left out. */
const ledger = (shown: Shown) => {
  const { data } = shown.facts.report
  const { leftOut, refused } = byKind({ ...data.refused, ...data.leftOut })
  return html`<h3>Refused rows: ${count(total(refused))}</h3>
    ${
      total(refused) === 0
        ? html`<p>No row was refused.</p>`
        : html`<p>Faults of the data.</p>
            ${reasonTable(shown, refused)}`
    }
    ${
      total(leftOut) > 0 &&
      html`<h3>Rows left out: ${count(total(leftOut))}</h3>
        <p>Nothing is wrong with them: the configuration chose others.</p>
        ${reasonTable(shown, leftOut)}`
    }`
}

const classesLeftOut = ({ facts: { report } }: Shown) => {
  const out = (report.data.perClass ?? []).filter(({ test, train, validation }) => train + validation + test === 0)
  return (
    out.length > 0 &&
    html`<details>
      <summary>${count(out.length)} classes are left out whole</summary>
      <p>
        ${out
          .slice(0, mostLeftOut)
          .map(({ label, listed }) => `${label} ${count(listed)}`)
          .join(", ")}${out.length > mostLeftOut ? `, and ${count(out.length - mostLeftOut)} more` : ""}
      </p>
    </details> `
  )
}

/** How many rows each class has, all and kept; the ledger with examples. */
export const data: Contents = (shown) => {
  const { kept, listed, perClass, test, train, validation } = shown.facts.report.data
  const most = perClass?.[0]
  const least = perClass?.findLast((counts) => counts.train + counts.validation + counts.test > 0)
  return html`<p>
      ${sumText(shown.facts.report.data)} (${percent(listed === 0 ? 0 : kept / listed)} are kept): ${count(train)} to
      train on, ${count(validation)} to validate, ${count(test)} to
      test.${
        most !== undefined &&
        least !== undefined &&
        html` The largest class, ${most.label}, has ${count(most.listed)} rows, the smallest that is kept,
        ${least.label}, ${count(least.listed)}.`
      }
      Rows that are not kept are in no metric.
    </p>
    ${figure(shown, "classes", "Rows of each class: all that are listed, and where they went.")}
    ${classesLeftOut(shown)} ${ledger(shown)}
    <p class="quiet">All of them, line by line: <code>ledger.jsonl</code> in the run's folder.</p>`
}
