import { Context, Effect } from "effect"

/**
 * The events of progress, by tag. Rooms above the pipeline add their own events beside the code that reports them:
 * `declare module "…/pipeline/Progress.ts"`.
 */
export interface ProgressEvents {
  readonly Listing: { readonly rows: number }
  readonly Checking: { readonly done: number; readonly total: number; readonly refused: number }
  readonly Transfer: {
    readonly name: string
    /** Bytes that are there, and all of them where that is known. */
    readonly done: number
    readonly total: number | undefined
    readonly bytesPerSecond: number
  }
  /** A line that stays; `trial` is the run's id, where it is one of many. */
  readonly Note: { readonly line: string; readonly trial?: string }
}

/** One event, with its tag. */
export type ProgressEvent = {
  [Tag in keyof ProgressEvents]: { readonly _tag: Tag } & ProgressEvents[Tag]
}[keyof ProgressEvents]

/** Where progress is reported; nowhere unless a Layer provides it. */
export const Progress = Context.Reference<(event: ProgressEvent) => Effect.Effect<void>>("weft/Progress", {
  defaultValue: () => () => Effect.void
})

/** Reports an event. */
export const report = (event: ProgressEvent): Effect.Effect<void> => Effect.flatMap(Progress, (tell) => tell(event))
