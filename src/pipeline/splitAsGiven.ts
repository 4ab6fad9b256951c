import { Result } from "effect"
import type { SplitConfig } from "./DataConfig.ts"
import { count, DataUnusable } from "./DataUnusable.ts"
import { byCodeUnit } from "./hashOrder.ts"
import type { Part } from "./Part.ts"
import type { Division } from "./split.ts"
import { split } from "./split.ts"
import { without } from "./splitByTime.ts"

/** A sample with the part that its row names. */
export interface Placed<A> {
  readonly sample: A
  readonly part: Part | undefined
}

/**
 * The parts as the rows name them. A validation or a test part without any row is taken from the training rows by the
 * hash split, in the share that `data.split` gives it, with `groups` kept together (see `split`); a class with too few of them for that stays in the training part.
 *
 * Fails where no row is to train on. The notes say what was taken, and which classes have nothing to train on.
 */
export const splitAsGiven = <A extends { readonly id: string; readonly label: number }>(
  file: string,
  placed: ReadonlyArray<Placed<A>>,
  classes: ReadonlyArray<string>,
  config: Pick<SplitConfig, "validation" | "test" | "fold">,
  seed: number,
  groups: ReadonlyMap<string, string> = new Map()
): Result.Result<Division<A>, DataUnusable> => {
  const of = (wanted: Part) => placed.flatMap(({ part, sample }) => (part === wanted ? [sample] : []))
  const [train, validation, test] = [of("train"), of("validation"), of("test")]
  if (train.length === 0)
    return Result.fail(
      new DataUnusable({
        reason: "noTraining",
        detail:
          `${file}: none of the ${count(placed.length)} rows that can be used is of the training part ` +
          `(validation ${count(validation.length)}, test ${count(test.length)})`,
        cure: 'Name the rows to train on "train", or leave the division to Weft: `data.split.by = "row"`.'
      })
    )
  const counts = new Map<number, number>()
  for (const { label } of train) counts.set(label, (counts.get(label) ?? 0) + 1)
  const shareOf = (given: ReadonlyArray<A>, share: number) => (given.length === 0 ? share : 0)
  const shares = { validation: shareOf(validation, config.validation), test: shareOf(test, config.test) }
  const least = 1 + [shares.validation, shares.test].filter((share) => share > 0).length
  const isEnough = ({ label }: A) => (counts.get(label) ?? 0) >= least
  const taken = split(
    train.filter(isEnough),
    // Shares that take everything would leave nothing to train on.
    { ...shares, train: Math.max(1 - shares.validation - shares.test, Number.EPSILON) },
    seed,
    groups
  )
  const sorted = (samples: ReadonlyArray<A>) => samples.toSorted((a, b) => byCodeUnit(a.id, b.id))
  const takenNote = (part: "validation" | "test") =>
    shares[part] === 0 || taken[part].length === 0
      ? []
      : [
          `no row is of the ${part} part: ${count(taken[part].length)} of the ${count(train.length)} training rows ` +
            `are taken for it (\`data.split.${part}\`)`
        ]
  return Result.succeed({
    parts: {
      train: sorted([...taken.train, ...train.filter((sample) => !isEnough(sample))]),
      validation: sorted([...validation, ...taken.validation]),
      test: sorted([...test, ...taken.test])
    },
    notes: [
      // A fold is made of what is taken and of what is left.
      ...(config.fold === undefined ? takenNote("validation") : []),
      ...takenNote("test"),
      ...without(train, classes, "training", "a network cannot learn what it never sees")
    ]
  })
}
