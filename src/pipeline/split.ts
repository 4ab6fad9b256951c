import { apportion } from "./apportion.ts"
import type { SplitConfig } from "./DataConfig.ts"
import { byCodeUnit, hashOrder } from "./hashOrder.ts"

/** The three parts of a dataset, each in the order of its ids. */
export interface Parts<A> {
  readonly train: ReadonlyArray<A>
  readonly validation: ReadonlyArray<A>
  readonly test: ReadonlyArray<A>
}

/**
 * Divides samples into three parts, class by class: within a class they are ordered by a hash of (seed, id), and the
 * first go to `train`, the next to `validation`, the last to `test`.
 *
 * A class's counts are its shares, rounded (largest remainder), and at least one in each part whose share is not 0; a
 * class needs as many samples as there are such parts. The samples' own order is of no account.
 */
export const split = <A extends { readonly id: string; readonly label: string | number }>(
  samples: ReadonlyArray<A>,
  config: Pick<SplitConfig, "train" | "validation" | "test">,
  seed: number
): Parts<A> => {
  const train: Array<A> = []
  const validation: Array<A> = []
  const test: Array<A> = []
  for (const members of Map.groupBy(samples, ({ label }) => label).values()) {
    const ordered = hashOrder(members, seed)
    const [trained = 0, validated = 0] = apportion(ordered.length, [config.train, config.validation, config.test], 1)
    ordered.forEach((sample, index) => {
      const part = index < trained ? train : index < trained + validated ? validation : test
      part.push(sample)
    })
  }
  const byId = (a: A, b: A) => byCodeUnit(a.id, b.id)
  return { train: train.sort(byId), validation: validation.sort(byId), test: test.sort(byId) }
}
