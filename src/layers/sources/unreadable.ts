import type { CatalogueForm } from "../../pipeline/catalogueForm.ts"
import { fileMissing } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import { systemFault } from "../storage/systemFault.ts"

/** Why a catalogue's file cannot be read, from the system's error. */
export const unreadable = (file: string, form: CatalogueForm, cause: unknown): RowsError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown"
  if (code === "ENOENT" || code === "ENOTDIR") return fileMissing(file, form)
  return new RowsError({
    file,
    reason: "unreadable",
    detail: `the file cannot be read: ${systemFault(cause).detail}`,
    cure: "Check that it is there, and that you may read it.",
    cause
  })
}
