import type { CardUse } from "./cardMemory.ts"
import type { StepComparison } from "./comparisons.ts"
import type { Ended } from "./runLines.ts"
import type { Size } from "./Step.ts"
import type { Attempt, Found } from "./vulkan.ts"

/** What came of a step. */
export interface StepRecord {
  readonly name: string
  /** As it is typed in Weft's folder. */
  readonly command: string
  readonly limitSeconds: number
  readonly outcome: Ended["outcome"] | "left out" | "running"
  readonly seconds?: number
  readonly why?: string
  /** Each JSON line that it printed. */
  readonly lines: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly card?: CardUse
}

/** All that a run on a machine found: one JSON file. */
export interface DeviceReport {
  readonly format: 1
  readonly rehearsal: boolean
  /** What the steps were asked for: a rehearsal's images, batches and tests are fewer. */
  readonly size: Size
  readonly weft: string
  readonly node: string
  readonly machine: {
    readonly processor: string
    readonly processors: number
    readonly memoryGiB: number
    readonly kernel: string
    /** One-minute load before the first step. */
    readonly load: number
    /** As nvidia-smi names the cards and their driver, or why it does not. */
    readonly cards: string
  }
  readonly vulkan: {
    readonly lookedAt: Found["lookedAt"]
    readonly attempts: ReadonlyArray<Attempt>
    /** Whether a step of the engine webgpu can run. */
    readonly available: boolean
  }
  readonly steps: ReadonlyArray<StepRecord>
  readonly comparisons: ReadonlyArray<StepComparison>
  readonly seconds: number
  /** Whether the last step has ended. */
  readonly complete: boolean
}
