import type { ExportMetadata } from "./ExportMetadata.ts"
import { metadataText } from "./ExportMetadata.ts"
import type { ExportFile } from "./Format.ts"
import { formatOf, formats } from "./formats.ts"
import type { ExportPlan } from "./formats.ts"

/** The file that is beside every exported model, with its description. */
export const descriptionFile = "weft.json"

/** Whether a file can belong to an export; any other is a user's own. */
export const isExported = (name: string): boolean =>
  name === descriptionFile || formats.some((format) => format.writes(name))

/** The files of an export: the model in its format, and `weft.json`. Throws where a tensor is missing or too large. */
export const exportFiles = (plan: ExportPlan, metadata: ExportMetadata): ReadonlyArray<ExportFile> => [
  ...formatOf(plan.format).files(plan, { values: metadata, text: metadataText(metadata) }),
  { name: descriptionFile, content: `${JSON.stringify(metadata, null, 2)}\n` }
]
