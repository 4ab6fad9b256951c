import type { LabelColumn } from "../src/pipeline/LabelColumn.ts"

/** A label column of so many classes. */
export const columnNamed = (name: string, classes: number, values: LabelColumn["values"] = "one"): LabelColumn => ({
  name,
  classes: Array.from({ length: classes }, (_, c) => `class ${c}`),
  values
})
