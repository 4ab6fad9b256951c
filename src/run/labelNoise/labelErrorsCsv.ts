import type { ListedLabel } from "./LabelNoise.ts"

/** A cell as it is read again: quoted where it would not be. The labels go into a catalogue, and stay as they are. */
const cell = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const number = (value: number): string => String(Number(value.toPrecision(6)))

/**
 * Likely label errors as a CSV that a person goes through: `from` is the label, `to` the predicted class. With the lines that
 * are right as they are removed (or their `to` emptied), it is what `data.corrections` reads.
 */
export const labelErrorsCsv = (labels: ReadonlyArray<ListedLabel>): string =>
  [
    ["row", "column", "from", "to", "from_probability", "to_probability", "likely", "file"],
    ...labels.map(({ column, file, id, isLikely, label, labelProbability, predicted, predictedProbability }) => [
      ...[id, column, label, predicted].map(cell),
      number(labelProbability),
      number(predictedProbability),
      isLikely ? "yes" : "no",
      cell(file)
    ])
  ]
    .map((cells) => `${cells.join(",")}\n`)
    .join("")
