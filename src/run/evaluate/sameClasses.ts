import { Effect } from "effect"
import { RunError } from "../RunError.ts"

/** A run, and its classes' names in an order of its own. */
export interface Labelled {
  readonly run: string
  readonly labels: ReadonlyArray<string>
}

const named = (run: string, labels: ReadonlyArray<string>) =>
  labels.length === 0 ? [] : [`only ${run} has ${labels.join(", ")}`]

/**
 * The index of each class of one run among those of another, which must be the same, in any order.
 *
 * Fails with a RunError of the other run that names the classes that only one of them has.
 */
export const sameClasses = Effect.fnUntraced(function* (first: Labelled, other: Labelled) {
  const missing = first.labels.filter((label) => !other.labels.includes(label))
  const added = other.labels.filter((label) => !first.labels.includes(label))
  if (missing.length + added.length > 0)
    return yield* new RunError({
      run: other.run,
      detail:
        `its classes differ from those of ${first.run}: ` +
        `${[...named(first.run, missing), ...named(other.run, added)].join("; ")}. ` +
        "Runs can be applied together only if they have the same classes: leave one of them out, or train it again on the other's"
    })
  return Int32Array.from(first.labels, (label) => other.labels.indexOf(label))
})
