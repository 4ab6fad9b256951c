import { Effect, Layer } from "effect"
import type { Session, SessionOptions } from "../../../model/Engine.ts"
import { Engine, EngineError, EngineUnavailable } from "../../../model/Engine.ts"
import { movesStatistics } from "../../../model/freezing.ts"
import { memoryAdvice } from "../../../model/memoryAdvice.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { checkNetwork } from "../../../model/shapes.ts"
import type { Batch } from "../../../pipeline/Batch.ts"
import { Trainer } from "./Trainer.ts"

const engine = "reference"

/** What went wrong, as the engine's failure; `batch` is what was worked on. */
const failure = (cause: unknown, batch?: Batch): EngineError => {
  // "Array buffer allocation failed" is a RangeError; the trainer's own errors are plain.
  if (!(cause instanceof RangeError))
    return new EngineError({ engine, reason: "failed", detail: messageOf(cause), cause })
  const detail = `${messageOf(cause)}: ${memoryAdvice(batch?.size)}`
  return new EngineError({ engine, reason: "outOfMemory", detail, cause })
}

/** Runs plain code of the trainer; what it throws is the engine's failure. */
const attempt = <A>(run: () => A, batch?: Batch) => Effect.try({ try: run, catch: (cause) => failure(cause, batch) })

/** A session on a trainer that is let go when the Scope closes. */
const session = Effect.fn("reference.open")(function* (options: SessionOptions) {
  const make = () => new Trainer(options)
  let open: Trainer | undefined = yield* attempt(make)
  yield* Effect.addFinalizer(() => Effect.sync(() => (open = undefined)))
  const use = <A>(run: (trainer: Trainer) => A, batch?: Batch) =>
    Effect.suspend(() => {
      const trainer = open
      return trainer === undefined
        ? Effect.fail(new EngineError({ engine, reason: "failed", detail: "the session is closed" }))
        : attempt(() => run(trainer), batch)
    })
  return {
    // A step is one piece of work for the processor: without a pause, no signal would be heard between two.
    train: (batch, at) =>
      Effect.tap(
        use((trainer) => trainer.train(batch, at), batch),
        Effect.yieldNow
      ),
    predict: (batch) =>
      Effect.tap(
        use((trainer) => trainer.predict(batch), batch),
        Effect.yieldNow
      ),
    ...(movesStatistics(options.network, options.freezing) && {
      moveStatistics: (batch: Batch, at: { readonly share: number; readonly step: number }) =>
        Effect.tap(
          use((trainer) => trainer.moveStatistics(batch, at), batch),
          Effect.yieldNow
        )
    }),
    snapshot: use((trainer) => trainer.snapshot()),
    restore: (state) => use((trainer) => trainer.restore(state))
  } satisfies Session
})

/** Trains in plain TypeScript: the reference that the other engines are measured by, slow and always there. */
export const layer = Layer.succeed(Engine, {
  info: { name: engine, device: "CPU, plain TypeScript", versions: { node: process.versions.node } },
  preflight: (network) =>
    Effect.try({
      try: () => checkNetwork(network),
      catch: (cause) =>
        new EngineUnavailable({
          engine,
          reason: messageOf(cause),
          cure: "Give the network images of the size it needs."
        })
    }),
  open: session
})
