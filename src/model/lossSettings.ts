import { elementAt } from "../pipeline/elementAt.ts"
import type { LabelColumn } from "../pipeline/LabelColumn.ts"
import type { LabelColumnConfig } from "../pipeline/LabelColumnConfig.ts"
import type { Sample } from "../pipeline/Sample.ts"
import type { LossOptions } from "./loss.ts"
import { teacherOf } from "./TeacherConfig.ts"
import type { TrainConfig } from "./TrainConfig.ts"

type Labelled = Pick<Sample, "label" | "labels">

/** A label column with the training samples of it: how many are known, and how many have each class. */
interface Counted extends Pick<LabelColumn, "values"> {
  readonly known: number
  readonly counts: Float64Array
}

const counted = (samples: ReadonlyArray<Labelled>, { classes, values }: LabelColumn, index: number): Counted => {
  const counts = new Float64Array(classes.length)
  let known = 0
  for (const { label, labels } of samples) {
    const own =
      labels === undefined
        ? [label]
        : elementAt(
            labels.map((one) => one ?? null),
            index
          )
    if (own === null) continue
    known++
    for (const c of own) counts[c] = elementAt(counts, c) + 1
  }
  return { values, known, counts }
}

/**
 * The factor of each class for `balanced`. In a column with one value n / (classes * n_c), so that every class has the
 * same part in the loss, and the mean factor of a sample is 1; source: scikit-learn's `compute_class_weight("balanced")`.
 * In a column with several, (n - n_c) / n_c, so that a class's being true has the same part as its being untrue; source:
 * the documentation of PyTorch's `BCEWithLogitsLoss(pos_weight)`. It is 1 where all samples are of one side.
 */
const balanced = ({ counts, known, values }: Counted): ReadonlyArray<number> =>
  Array.from(counts, (n) => {
    if (values === "one") return n === 0 ? 0 : known / (counts.length * n)
    return n === 0 || n === known ? 1 : (known - n) / n
  })

/**
 * What is added to the logit of each class: tau times the logarithm of its share of the training samples; in a column
 * with several values, of its odds. A class that no sample has, or all have, counts as if one had it, or had it not.
 */
const adjusted = ({ counts, known, values }: Counted, tau: number): ReadonlyArray<number> =>
  Array.from(counts, (n) =>
    values === "one"
      ? tau * Math.log(Math.max(n, 1) / Math.max(known, 1))
      : tau * Math.log(Math.max(n, 1) / Math.max(known - n, 1))
  )

/** The factor of each label column's loss. */
export const lossWeightsOf = (settings: ReadonlyArray<Pick<LabelColumnConfig, "weight">>): ReadonlyArray<number> =>
  settings.map(({ weight = 1 }) => weight)

/** The loss of a training, by its configuration and its training samples. */
export const lossSettings = (
  { classWeights, focal, labelSmoothing, logitAdjustment, teacher }: TrainConfig,
  columns: ReadonlyArray<LabelColumn>,
  settings: ReadonlyArray<Pick<LabelColumnConfig, "weight">>,
  samples: ReadonlyArray<Labelled>
): LossOptions => {
  const all = columns.map((column, index) => counted(samples, column, index))
  const lossWeights = lossWeightsOf(settings)
  const taught = teacher === undefined ? undefined : teacherOf(teacher)
  return {
    labelSmoothing,
    classWeights: classWeights === "none" ? undefined : Float32Array.from(all.flatMap(balanced)),
    ...(lossWeights.some((weight) => weight !== 1) && { lossWeights }),
    ...(focal !== undefined && { focal }),
    ...(taught && { teacher: { temperature: taught.temperature, weight: taught.weight } }),
    ...(logitAdjustment !== undefined && {
      adjustment: Float32Array.from(all.flatMap((one) => adjusted(one, logitAdjustment)))
    })
  }
}
