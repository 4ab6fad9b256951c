import type { Refusal } from "../../../pipeline/Ledger.ts"
import { isFault } from "../../../pipeline/Ledger.ts"
import { percent } from "../../../figures.ts"
import { count } from "../format.ts"
import { html } from "../html.ts"
import { figure } from "./figure.ts"
import type { Contents, Shown } from "./Shown.ts"

const examples = 4
const longest = 120
/** Of the classes that are left out, a page names so many. */
const mostLeftOut = 100

const shortened = (text: string) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text)

const exampleOf = ({ detail, id, line, text }: Refusal) =>
  html`<div>
    line ${line}${id === undefined ? "" : html`, id ${id}`}:
    ${detail}${text === undefined ? "" : html` <code>${shortened(text)}</code>`}
  </div>`

const ledger = ({ facts: { refusals, report } }: Shown) => {
  const reasons = Object.entries(report.data.refused)
  if (reasons.length === 0) return html`<p>No row was refused.</p>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>reason</th>
          <th>rows</th>
          <th class="text">whose</th>
          <th class="text">examples</th>
        </tr>
      </thead>
      <tbody>
        ${reasons.map(([reason, rows]) => {
          const those = refusals.filter((refusal) => refusal.reason === reason)
          const fault = those[0] !== undefined && isFault(those[0].reason)
          return html`<tr>
            <td>${reason}</td>
            <td>${count(rows)}</td>
            <td class="text">${fault ? "fault of the data" : "choice"}</td>
            <td class="wrap text">${those.slice(0, examples).map(exampleOf)}</td>
          </tr> `
        })}
      </tbody>
    </table>
  </div>`
}

const leftOut = ({ facts: { report } }: Shown) => {
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
      ${count(listed)} rows are listed; ${count(kept)} of them are kept (${percent(listed === 0 ? 0 : kept / listed)}):
      ${count(train)} to train on, ${count(validation)} to validate, ${count(test)} to
      test.${
        most !== undefined &&
        least !== undefined &&
        html` The largest class, ${most.label}, has ${count(most.listed)} rows, the smallest that is kept,
        ${least.label}, ${count(least.listed)}.`
      }
      What is refused is in no figure.
    </p>
    ${figure(shown, "classes", "Rows of each class: all that are listed, and where they went.")} ${leftOut(shown)}
    <h3>Refused rows</h3>
    ${ledger(shown)}
    <p class="quiet">All of them: <code>ledger.jsonl</code> in the run's folder.</p>`
}
