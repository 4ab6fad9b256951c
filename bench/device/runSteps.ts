import { Effect } from "effect"
import { cardMemory } from "./cardMemory.ts"
import type { StepRecord } from "./DeviceReport.ts"
import { runLines } from "./runLines.ts"
import type { Step } from "./Step.ts"

/** Where and how long steps run. */
export interface RunOptions {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly programs: Readonly<Record<Step["program"], string>>
  /** Seconds that are left for all steps. */
  readonly seconds: number
  /** Whether a step that needs an adapter has one. */
  readonly adapter: boolean
  /** Is given what there is whenever it has grown. */
  readonly onProgress: (steps: ReadonlyArray<StepRecord>) => void
}

/**
 * Runs steps one after the other. Each has its own limit, and leaves to those after it what they must have; one that fails
 * or is stopped does not stop the next.
 */
export const runSteps = Effect.fn("runSteps")(function* (steps: ReadonlyArray<Step>, options: RunOptions) {
  const start = performance.now()
  const records: Array<StepRecord> = []
  const put = (at: number, record: StepRecord) => {
    records[at] = record
    options.onProgress(records)
  }
  for (const [i, step] of steps.entries()) {
    const later = steps.slice(i + 1).reduce((sum, { reserveSeconds }) => sum + reserveSeconds, 0)
    const left = options.seconds - (performance.now() - start) / 1000 - later
    const limitSeconds = Math.floor(Math.min(step.limitSeconds, Math.max(left, step.reserveSeconds)))
    const begun = { name: step.name, command: [step.program, ...step.args].join(" "), limitSeconds }
    if (step.needsAdapter && !options.adapter) {
      put(i, { ...begun, outcome: "left out", why: "there is no Vulkan adapter: see `vulkan`", lines: [] })
      continue
    }
    if ((performance.now() - start) / 1000 >= options.seconds) {
      put(i, { ...begun, outcome: "left out", why: "the time for all steps is over", lines: [] })
      continue
    }
    const lines: Array<Readonly<Record<string, unknown>>> = []
    put(i, { ...begun, outcome: "running", lines })
    yield* Effect.gen(function* () {
      const card = yield* cardMemory
      const ended = yield* runLines(options.programs[step.program], step.args, {
        cwd: options.cwd,
        env: options.env,
        limitSeconds,
        onLine: (line) => {
          lines.push(line)
          put(i, { ...begun, outcome: "running", lines })
        }
      })
      const use = yield* card
      put(i, { ...begun, ...ended, lines, ...(use !== undefined && { card: use }) })
    }).pipe(Effect.scoped)
  }
  return records
})
