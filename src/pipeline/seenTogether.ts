import type { Dataset } from "./Dataset.ts"

interface SeenTogether {
  readonly columns: readonly [number, number]
  readonly pairs: ReadonlyArray<readonly [number, number]>
}

export const seenTogether = (_: Pick<Dataset, "columns" | "train">): ReadonlyArray<SeenTogether> | undefined =>
  undefined
