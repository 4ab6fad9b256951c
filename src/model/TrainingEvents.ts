import type { EpochRecord } from "../metrics/Report.ts"

/** The progress events of a training. */
export interface TrainingEvents {
  readonly Step: {
    readonly epoch: number
    readonly epochs: number
    /** Steps of the epoch that are done, and all of them. */
    readonly step: number
    readonly steps: number
    /** Means over the epoch so far. */
    readonly loss: number
    readonly accuracy: number
    readonly imagesPerSecond: number
    /** The share of the time that the engine waited for images. */
    readonly waiting: number
    readonly secondsLeft: number
    /** Rows of the catalogue that are faulty. */
    readonly refused: number
    /** How many trials learn from the same batches, where the run is one of many: loss and accuracy are their means. */
    readonly trials?: number
  }
  readonly Evaluating: { readonly part: string; readonly done: number; readonly total: number }
  readonly Epoch: {
    readonly epochs: number
    readonly record: EpochRecord
    readonly best: boolean
    /** The trial's id, where the run is one of many. */
    readonly trial?: string
  }
}

declare module "../pipeline/Progress.ts" {
  interface ProgressEvents extends TrainingEvents {}
}
