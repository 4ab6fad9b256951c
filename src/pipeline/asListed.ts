import { Result } from "effect"
import { elementAt } from "./elementAt.ts"
import { groupNames } from "./grouping.ts"
import { byCodePoint, byCodeUnit } from "./hashOrder.ts"
import { Part } from "./Part.ts"
import type { Sample } from "./Sample.ts"
import type { Division } from "./split.ts"

/** A sample with what its row says of its part, and the label that the list has where people corrected it. */
interface Corrected {
  readonly sample: Sample
  readonly part: Part | undefined
  readonly group: string | undefined
  readonly time: unknown
  readonly was: string | null | undefined
}

type Pairs = ReadonlyArray<readonly [number, number]>

/**
 * Divides samples by the labels that the list has, so that no correction moves a sample to another part: a model that is
 * trained on corrections is measured on the same test samples as the one before.
 *
 * A sample that had no label (a row that waited for one, an upload) is new: it belongs to the training part, if neither a
 * column nor its time says otherwise; with the same bytes or of the same group as a validation or test sample, it goes
 * there, as it would leak.
 */
export const asListed = <A extends Corrected, E>(
  samples: ReadonlyArray<A>,
  /** What corrections have taken out of its class, to one that is too small: it still has its place in the division. */
  gone: ReadonlyArray<A>,
  classes: ReadonlyArray<string>,
  alike: Pairs,
  divide: (
    samples: ReadonlyArray<A>,
    classes: ReadonlyArray<string>,
    alike: Pairs
  ) => Result.Result<Division<Sample>, E>
): Result.Result<Division<Sample>, E> => {
  if (gone.length === 0 && samples.every(({ was }) => was === undefined)) return divide(samples, classes, alike)
  const isNew = ({ part, time, was }: A) => was === null && part === undefined && time === undefined
  const labelOf = ({ sample, was }: A) => was ?? elementAt(classes, sample.label)
  const known = samples.flatMap((one, index) => (isNew(one) ? [] : [{ one, index }]))
  const all = [...known.map(({ one }) => one), ...gone]
  const names = [...new Set(all.map((one) => labelOf(one)))].sort(byCodePoint)
  const indexes = new Map(names.map((name, index) => [name, index]))
  const before = all.map((one) => ({
    ...one,
    sample: { ...one.sample, label: indexes.get(labelOf(one)) ?? 0 } // there is one for every label
  }))
  const places = new Map(known.map(({ index }, place) => [index, place]))
  const pairs = alike.flatMap(([a, b]) => {
    const [one, other] = [places.get(a), places.get(b)]
    return one === undefined || other === undefined ? [] : [[one, other] as const]
  })
  return Result.map(divide(before, names, pairs), ({ notes, parts }) => {
    const own = new Map(samples.map(({ sample }) => [sample.id, sample]))
    const groups = groupNames(
      samples.map(({ group, sample }) => ({ id: sample.id, digest: sample.digest, group })),
      alike
    )
    const placed = new Map<string, Part>()
    for (const part of Part.literals)
      for (const { id } of parts[part]) {
        const group = groups.get(id)
        if (group !== undefined) placed.set(group, part)
      }
    const fresh = samples.filter(isNew).map(({ sample }) => {
      const group = groups.get(sample.id)
      return { sample, part: (group === undefined ? undefined : placed.get(group)) ?? ("train" as const) }
    })
    const whole = (part: Part) =>
      [
        ...parts[part].flatMap(({ id }) => own.get(id) ?? []),
        ...fresh.flatMap((one) => (one.part === part ? [one.sample] : []))
      ].sort((a, b) => byCodeUnit(a.id, b.id))
    return { parts: { train: whole("train"), validation: whole("validation"), test: whole("test") }, notes }
  })
}
