import type { FoldConfig } from "./DataConfig.ts"
import { count } from "./DataUnusable.ts"
import { keyOf } from "./draw.ts"
import { countLabels } from "./filter.ts"
import { byCodeUnit } from "./hashOrder.ts"
import type { Division, Label } from "./split.ts"
import { distribute } from "./split.ts"

const compare = (a: Label, b: Label): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * How many samples of each class every fold should have: the samples are put in the order of their classes, and dealt to
 * the folds one after the other. So neither a class's counts nor the folds' sizes differ by more than one.
 *
 * Source: scikit-learn's `StratifiedKFold`.
 */
const quotasOf = (sizes: ReadonlyMap<Label, number>, folds: number): ReadonlyMap<Label, ReadonlyArray<number>> => {
  let start = 0
  return new Map(
    [...sizes]
      .sort(([a], [b]) => compare(a, b))
      .map(([label, size]) => {
        const from = start
        start += size
        const before = (place: number, fold: number) => Math.ceil((place - fold) / folds)
        return [label, Array.from({ length: folds }, (_, fold) => before(from + size, fold) - before(from, fold))]
      })
  )
}

/**
 * All folds of some samples, each in the order of its ids, with every group in one fold; `groups` as `split` has it.
 *
 * Within a class, the groups are ordered by a hash of (seed, name), and go to the folds in this order, as in `split`. Where
 * no group has two samples, the counts of the classes in the folds are those of scikit-learn's `StratifiedKFold`. A class
 * with fewer groups than there are folds is missing in some folds. Independent of the samples' order.
 */
export const foldsOf = <A extends { readonly id: string; readonly label: Label }>(
  samples: ReadonlyArray<A>,
  folds: number,
  seed: number,
  groups: ReadonlyMap<string, string> = new Map()
): ReadonlyArray<ReadonlyArray<A>> =>
  distribute(samples, {
    quotas: quotasOf(countLabels(samples), folds),
    tieOrder: Array.from({ length: folds }, (_, fold) => fold),
    keyOf: (name) => keyOf(seed, "fold", name),
    groups
  })

/**
 * A division in which one fold is the validation part: what was to train and to validate is divided into folds, and the
 * others are trained on. The test part stays as it is. `seed` is the split's.
 */
export const withFold = <A extends { readonly id: string; readonly label: Label }>(
  { notes, parts }: Division<A>,
  fold: FoldConfig,
  seed: number,
  groups: ReadonlyMap<string, string>
): Division<A> => {
  const folds = foldsOf([...parts.train, ...parts.validation], fold.of, fold.seed ?? seed, groups)
  const validation = folds[fold.number - 1] ?? []
  const isHeld = new Set(validation)
  const train = [...parts.train, ...parts.validation]
    .filter((sample) => !isHeld.has(sample))
    .sort((a, b) => byCodeUnit(a.id, b.id))
  return {
    parts: { train, validation, test: parts.test },
    notes: [
      ...notes,
      `fold ${fold.number} of ${fold.of} is the validation part (${count(validation.length)} rows); ` +
        `the others are trained on (${count(train.length)})`
    ]
  }
}
