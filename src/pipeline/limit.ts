import { Result } from "effect"
import { apportion } from "./apportion.ts"
import { count, DataUnusable } from "./DataUnusable.ts"
import { byCodePoint, hashOrder } from "./hashOrder.ts"
import type { Row } from "./Row.ts"

/** Fewest samples of a class: every class reaches every part. */
export const leastPerClass = 3

/**
 * A seeded subset of `limit` rows in which every class keeps its share, three at least.
 *
 * Which rows depends on the seed, the ids and the labels, and not on the rows' order, in which they stay. Fails where
 * three rows of each class are already too many.
 */
export const limitRows = <A extends Row>(
  rows: ReadonlyArray<A>,
  limit: number | undefined,
  seed: number
): Result.Result<ReadonlyArray<A>, DataUnusable> => {
  if (limit === undefined || rows.length <= limit) return Result.succeed(rows)
  const classes = Map.groupBy(rows, ({ label }) => label)
  const least = classes.size * leastPerClass
  if (least > limit)
    return Result.fail(
      new DataUnusable({
        reason: "limitTooSmall",
        detail: `\`data.limit\` is ${count(limit)}, too few for ${count(classes.size)} classes with ${leastPerClass} each`,
        cure: `Set it to ${count(least)} or more, or take fewer classes (\`data.labels\`, \`data.minPerClass\`).`
      })
    )
  const labels = [...classes.keys()].toSorted(byCodePoint)
  const sizes = labels.map((label) => classes.get(label)?.length ?? 0)
  const shares = apportion(limit, sizes, leastPerClass)
  const chosen = new Set(
    labels.flatMap((label, index) => hashOrder(classes.get(label) ?? [], seed, "limit").slice(0, shares[index]))
  )
  return Result.succeed(rows.filter((row) => chosen.has(row)))
}
