import { elementAt } from "../../pipeline/elementAt.ts"
import type { Counts } from "../scores.ts"
import type { CountMetric } from "./Metric.ts"

const present = ({ perClass }: Counts) => perClass.filter(({ support }) => support > 0)

/** Mean recall of the classes that have samples. */
export const balancedAccuracy: CountMetric<"balancedAccuracy", "nullable"> = {
  path: "balancedAccuracy",
  presence: "nullable",
  title: "balanced accuracy",
  meaning: "mean recall of the classes that have samples",
  source: "Brodersen et al., 2010; scikit-learn's `balanced_accuracy_score`",
  range: [0, 1],
  better: "higher",
  unit: "%",
  decimals: 1,
  shown: ["summary", "page", "modelCard"],
  of: "counts",
  value: (counts) => {
    const classes = present(counts)
    return classes.length === 0 ? null : classes.reduce((sum, { recall }) => sum + recall, 0) / classes.length
  },
  interval: {
    method: "delta method",
    slopeAt: (counts) => {
      const { correct, support } = counts
      const classes = present(counts).length
      return (row, column) => {
        const samples = elementAt(support, row)
        return ((row === column ? 1 : 0) - elementAt(correct, row) / samples) / (samples * classes)
      }
    }
  }
}
