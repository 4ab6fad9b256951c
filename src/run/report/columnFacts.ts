import { Struct } from "effect"
import { columnOf, columnsOf } from "../../model/StoredPredictions.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import type { RunFacts } from "./RunFacts.ts"

/** A run's facts in one of its label columns, as if it were the only one. */
export interface ColumnFacts {
  readonly name: string
  readonly values: "one" | "several"
  readonly facts: RunFacts
}

const ofColumn = (stored: StoredPredictions | undefined, name: string): StoredPredictions | undefined => {
  const column = stored && columnsOf(stored).find((one) => one.name === name)
  return stored && column && columnOf(stored, column.index)
}

/**
 * The facts of each label column, in their order; none where there is one column with one value: the run's own facts are
 * that column's. Samples are those whose label is known in the column.
 */
export const columnFacts = (facts: RunFacts): ReadonlyArray<ColumnFacts> => {
  const { leakage, report, test, validation } = facts
  const { calibration } = report
  return (report.data.columns ?? []).map(({ classes, name, perClass, values }, index): ColumnFacts => {
    const metrics =
      report.test?.columns?.[name] ?? (index === 0 && report.test ? Struct.omit(report.test, ["columns"]) : null)
    const fitted = calibration?.columns?.[name] ?? (index === 0 ? calibration : undefined)
    return {
      name,
      values,
      facts: {
        ...facts,
        test: ofColumn(test, name),
        validation: ofColumn(validation, name),
        // What the parts share is measured by the first column.
        leakage: index === 0 ? leakage : undefined,
        report: {
          ...Struct.omit(report, ["calibration"]),
          data: {
            ...report.data,
            classes,
            test: metrics?.samples ?? report.data.test,
            perClass
          },
          test: metrics,
          ...(fitted && {
            calibration: { ...Struct.pick(fitted, ["temperature", "validation", "test"]), bins: calibration?.bins ?? 0 }
          })
        }
      }
    }
  })
}
