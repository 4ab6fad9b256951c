import { Effect, Layer } from "effect"
import type { Batch } from "../pipeline/Batch.ts"
import type { EngineInfo, Session, SessionOptions, SessionState } from "./Engine.ts"
import { Engine } from "./Engine.ts"
import type { Network } from "./Network.ts"

/** The answers of a mock; those that are left out are 0. */
export interface Script {
  /** The loss of a step of the run. */
  readonly loss?: (step: number) => number
  /** A row of logits for a sample of a batch; `steps` are the steps that the session has made. */
  readonly logits?: (batch: Batch, row: number, steps: number) => ReadonlyArray<number>
}

/** A record of the mock's calls, in their order. */
export interface Given {
  readonly preflights: Array<Network>
  readonly opened: Array<SessionOptions>
  readonly trained: Array<{ readonly ids: ReadonlyArray<string>; readonly step: number; readonly learningRate: number }>
  readonly predicted: Array<ReadonlyArray<string>>
  readonly restored: Array<SessionState>
}

const info: EngineInfo = { name: "mock", device: "none", versions: {} }

/**
 * An engine that computes nothing, for tests of the code that uses an engine: it answers by a script, and records its
 * calls. The weights stay those that a session is opened with or restored to.
 */
export const mockEngine = (script: Script = {}) => {
  const given: Given = { preflights: [], opened: [], trained: [], predicted: [], restored: [] }
  const open = (options: SessionOptions): Session => {
    const { classes } = options.network
    let state: SessionState = { weights: options.weights, optimizer: { step: 0, slots: new Map() } }
    const logitsOf = (batch: Batch) =>
      Float32Array.from({ length: batch.size * classes }, (_, i) => {
        const row = script.logits?.(batch, Math.floor(i / classes), state.optimizer.step)
        return row?.[i % classes] ?? 0
      })
    return {
      train: (batch, at) =>
        Effect.sync(() => {
          given.trained.push({ ids: batch.ids, ...at })
          const logits = logitsOf(batch)
          state = { ...state, optimizer: { ...state.optimizer, step: state.optimizer.step + 1 } }
          return { loss: script.loss?.(at.step) ?? 0, logits, gradientNorm: 0 }
        }),
      predict: (batch) =>
        Effect.sync(() => {
          given.predicted.push(batch.ids)
          return logitsOf(batch)
        }),
      snapshot: Effect.sync(() => state),
      restore: (restored) =>
        Effect.sync(() => {
          given.restored.push(restored)
          state = restored
        })
    }
  }
  const layer = Layer.succeed(Engine, {
    info,
    preflight: (network) => Effect.sync(() => void given.preflights.push(network)),
    open: (options) =>
      Effect.sync(() => {
        given.opened.push(options)
        return open(options)
      })
  })
  return { given: given as Readonly<Given>, layer }
}
