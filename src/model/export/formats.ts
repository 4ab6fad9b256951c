import { Schema } from "effect"
import type { ExportTask } from "./Format.ts"
import { onnx } from "./formats/onnx.ts"
import { safetensors } from "./formats/safetensors.ts"
import { savedModel } from "./formats/savedModel.ts"
import { tfjs } from "./formats/tfjs.ts"

/** Every format that a model can be written in: a new one is a file and a line here. */
export const formats = [onnx, tfjs, savedModel, safetensors] as const

type Listed = (typeof formats)[number]

/** The formats' names. */
export const ExportFormat = Schema.Literals(formats.map(({ name }) => name))
export type ExportFormat = typeof ExportFormat.Type

/** The names of the formats that are graphs. */
export type GraphFormatName = Extract<Listed, { readonly kind: "graph" }>["name"]

/** A model to write, how, and in which format. */
export interface ExportPlan extends ExportTask {
  readonly format: ExportFormat
}

// One for each name: the list's type says which they are.
const byName = Object.fromEntries(formats.map((one) => [one.name, one])) as {
  readonly [Name in ExportFormat]: Extract<Listed, { readonly name: Name }>
}

/** The facts of a format by its name. */
export const formatOf = <Name extends ExportFormat>(name: Name) => byName[name]

const either = new Intl.ListFormat("en-GB", { type: "disjunction" })

/** The names of the formats of one kind, for messages: `onnx, tfjs or saved-model`. */
export const formatNames = (kind: Listed["kind"]): string =>
  either.format(formats.flatMap((one) => (one.kind === kind ? [one.name] : [])))

/** The formats' names in the help. */
export const formatTitles: string = either.format(formats.map(({ title }) => title))
