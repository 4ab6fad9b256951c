import { Context, Effect } from "effect"
import type { EpochRecord } from "../metrics/Report.ts"
import type { SearchResult } from "../run/search/SearchResult.ts"

/** What a person who waits wants to know. */
export type ProgressEvent =
  | { readonly _tag: "Listing"; readonly rows: number }
  | { readonly _tag: "Checking"; readonly done: number; readonly total: number; readonly refused: number }
  | {
      readonly _tag: "Step"
      readonly epoch: number
      readonly epochs: number
      /** Steps of the epoch that are done, and all of them. */
      readonly step: number
      readonly steps: number
      /** Means over the epoch so far. */
      readonly loss: number
      readonly accuracy: number
      readonly imagesPerSecond: number
      /** Share of the time in which the engine waited for images. */
      readonly waiting: number
      readonly secondsLeft: number
      /** Rows of the catalogue that are faulty. */
      readonly refused: number
      /** How many trials learn from the same batches, where the run is one of many: the figures are their means. */
      readonly trials?: number
    }
  | {
      readonly _tag: "Transfer"
      readonly name: string
      /** Bytes that are there, and all of them where that is known. */
      readonly done: number
      readonly total: number | undefined
      readonly bytesPerSecond: number
    }
  | { readonly _tag: "Evaluating"; readonly part: string; readonly done: number; readonly total: number }
  | {
      readonly _tag: "Epoch"
      readonly epochs: number
      readonly record: EpochRecord
      readonly best: boolean
      /** Whose it is, where the run is one of many. */
      readonly trial?: string
    }
  | { readonly _tag: "Note"; readonly line: string; readonly trial?: string }
  /** How a search stands: at its beginning, and whenever one of its trials has come further. */
  | { readonly _tag: "Trials"; readonly search: SearchResult }

/** Where progress is reported; to nobody unless a Layer says where. */
export const Progress = Context.Reference<(event: ProgressEvent) => Effect.Effect<void>>("weft/Progress", {
  defaultValue: () => () => Effect.void
})

/** Tells whoever watches. */
export const report = (event: ProgressEvent): Effect.Effect<void> => Effect.flatMap(Progress, (tell) => tell(event))
