import { Effect, Result, Stream } from "effect"
import { report } from "../Progress.ts"
import type { DataConfig } from "./DataConfig.ts"
import { isBudgetSpent, tooManyRefused } from "./DataUnusable.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { Refusal } from "./Ledger.ts"
import { countFaults, refuse } from "./Ledger.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { Row } from "./Row.ts"
import { pathUnder } from "./Rows.ts"

/** A row whose image can be used. */
export interface CheckedRow extends Row {
  /** The image file. */
  readonly path: string
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
}

/**
 * Looks at every row's image: several at the same time, taken up in the rows' order.
 *
 * Fails at the row that spends the failure budget (`data.maxRefused` of all `listed` rows; `refusals` are those so far),
 * which is the same row on every run. Progress is reported as `Checking`.
 */
export const checkImages = Effect.fn("checkImages")(function* (options: {
  readonly root: string
  readonly rows: ReadonlyArray<Row>
  readonly listed: number
  readonly refusals: ReadonlyArray<Refusal>
  readonly data: DataConfig
  readonly image: ImageConfig
  readonly loader: LoaderConfig
}) {
  const { data, image, listed, loader, refusals, root, rows } = options
  const images = yield* Images
  const kept: Array<CheckedRow> = []
  const refused: Array<Refusal> = []
  let faulty = countFaults(refusals)
  const check = Effect.fnUntraced(function* (row: Row) {
    const path = pathUnder(root, row.image)
    return { row, path, facts: yield* Effect.result(images.check(path, image)) }
  })
  yield* Stream.fromArray(rows).pipe(
    Stream.mapEffect((row) => check(row), { concurrency: loader.concurrency }),
    Stream.runForEach(
      Effect.fnUntraced(function* ({ facts, path, row }) {
        if (Result.isSuccess(facts))
          kept.push({ ...row, path: facts.success.path ?? path, digest: facts.success.digest })
        else {
          refused.push(refuse(row, facts.failure.reason, facts.failure.message))
          faulty += 1
          if (isBudgetSpent(listed, faulty, data.maxRefused)) {
            const all = [...refusals, ...refused].toSorted((a, b) => a.line - b.line)
            return yield* tooManyRefused(pathUnder(root, data.csv), listed, all, data.maxRefused)
          }
        }
        yield* report({
          _tag: "Checking",
          done: kept.length + refused.length,
          total: rows.length,
          refused: faulty
        })
      })
    )
  )
  return { kept, refusals: refused }
})
