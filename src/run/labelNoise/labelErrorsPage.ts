import { count } from "../report/format.ts"
import { html } from "../report/html.ts"
import { page } from "../report/page.ts"
import { judgedText, unlikelyPhotos } from "../report/sections/labelNoise.ts"
import type { ColumnNoise, ListedLabel } from "./LabelNoise.ts"

type JudgedColumn = ColumnNoise & { readonly labels: ReadonlyArray<ListedLabel> }

/** A label column: the labels that are likely wrong, and the others. */
const body = (column: JudgedColumn, pictures: ReadonlyMap<string, string>) => {
  const likely = column.labels.filter(({ isLikely }) => isLikely)
  const others = column.labels.filter(({ isLikely }) => !isLikely)
  return html`<p>${judgedText(column)}</p>
    <h3>Likely wrong: ${count(likely.length)}${likely.length < column.found && ` of ${count(column.found)}`}</h3>
    ${likely.length === 0 ? html`<p>None is sure enough.</p>` : unlikelyPhotos({ pictures }, likely)}
    ${
      others.length > 0 &&
      html`<h3>Predicted as another class: ${count(others.length)}</h3>
        <p>The classifier's own doubt may explain these; the least probable label comes first.</p>
        ${unlikelyPhotos({ pictures }, others)}`
    }`
}

/** A page of the likely label errors of a catalogue's training part, with their photos. */
export const labelErrorsPage = ({
  columns,
  folds,
  name,
  network,
  pictures
}: {
  readonly name: string
  readonly network: string
  readonly folds: number
  readonly columns: ReadonlyArray<JudgedColumn>
  readonly pictures: ReadonlyMap<string, string>
}) =>
  page({
    title: `${name}: likely label errors`,
    subtitle: html`Training photos, judged out of fold by frozen features of ${network}`,
    summary: html`<p>
        The labels that are the least probable come first, each with the class that is predicted instead and the
        probabilities of both; a click shows a photo large. By confident learning (Northcutt, Jiang and Chuang, 2021):
        in ${folds} folds, each photo is judged by a logistic regression that has not seen it. A classifier errs too: a
        person decides.
      </p>
      <p>
        To correct them, open <code>label-errors.csv</code>, remove the lines whose label is right, correct
        <code>to</code> where another class is, and train with <code>data.corrections = "label-errors.csv"</code>. The
        labels of the other parts are not in it: a model is not to correct what it is measured by.
      </p>`,
    sections: columns.map((column, index) => ({
      id: `column-${index + 1}`,
      heading: column.name,
      body: body(column, pictures)
    })),
    footer: html`Made by Weft. For programs and spreadsheets: <code>label-errors.csv</code>.`
  })
