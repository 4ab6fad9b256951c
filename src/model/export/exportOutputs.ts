import type { PlacedColumn } from "../../pipeline/LabelColumn.ts"
import type { Model, ModelColumn } from "../Model.ts"
import { modelColumns } from "../Model.ts"
import type { ExportOutput } from "./ExportSettings.ts"
import { inputName } from "./ExportSettings.ts"

/** An output of an exported graph: what one label column's logits become. */
export interface GraphOutput {
  /** The tensor's name, in every format. */
  readonly name: string
  readonly column: ModelColumn & PlacedColumn
}

/** Names in the graph that no column may take: those of the input and of a SavedModel's texts. */
const taken = [inputName, "labels", "weft"]

/** A column's name as every format allows it: letters, digits and low lines, a letter first. */
const allowed = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/g, "_").replace(/^(?![A-Za-z])/, "column_")

/**
 * The outputs of an exported graph, in the order of the logits. With one column it is called by its kind, `logits` or
 * `probabilities`; with several each is called as its column is, in letters that every format allows.
 */
export const graphOutputs = (
  model: Pick<Model, "calibration" | "columns" | "labels">,
  output: ExportOutput
): ReadonlyArray<GraphOutput> => {
  const columns = modelColumns(model)
  const [only, ...others] = columns
  if (only !== undefined && others.length === 0) return [{ name: output, column: only }]
  const used = new Set(taken)
  return columns.map((column) => {
    const wanted = allowed(column.name)
    let name = wanted
    for (let i = 2; used.has(name); i++) name = `${wanted}_${i}`
    used.add(name)
    return { name, column }
  })
}
