import * as tf from "@tensorflow/tfjs-core"
import { Effect } from "effect"
import { trainingLoss } from "../../../model/loss.ts"
import type { Session, SessionOptions } from "../../../model/Engine.ts"
import { EngineError, LeakPolicy } from "../../../model/Engine.ts"
import { movesStatistics } from "../../../model/freezing.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { memoryAdvice } from "../../../model/memoryAdvice.ts"
import type { Batch } from "../../../pipeline/Batch.ts"
import type { Device } from "./Device.ts"
import { use } from "./Device.ts"
import { Trainer } from "./Trainer.ts"

/** What went wrong, as an engine's failure; `batch` is what was worked on. */
const failure = (device: Device, cause: unknown, batch?: Batch): EngineError => {
  const { engine } = device
  if (!device.isOutOfMemory(cause))
    return new EngineError({ engine, reason: "failed", detail: messageOf(cause), cause })
  const detail = `${messageOf(cause)}: ${memoryAdvice(batch?.size)}`
  return new EngineError({ engine, reason: "outOfMemory", detail, cause })
}

type Values<Tensors> = { readonly [At in keyof Tensors]: Float32Array }

/** Reads tensors out of the backend, and frees them. */
const read = <Tensors extends ReadonlyArray<tf.Tensor>>(device: Device, tensors: Tensors, batch: Batch) =>
  Effect.tryPromise({
    // `map` keeps the length, and its type forgets it.
    try: () => Promise.all(tensors.map((tensor) => tensor.data<"float32">())) as Promise<Values<Tensors>>,
    catch: (cause) => failure(device, cause, batch)
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        use(device)
        for (const tensor of tensors) tensor.dispose()
      })
    )
  )

/** Opens a session on a device whose backend stands. Its tensors are freed when the Scope closes. */
export const open = Effect.fn("tfjs.open")(function* (device: Device, options: SessionOptions) {
  const { engine } = device
  const policy = yield* LeakPolicy
  const attempt = <A>(run: () => A, batch?: Batch) =>
    Effect.try({ try: run, catch: (cause) => failure(device, cause, batch) })
  let trainer: Trainer | undefined = yield* attempt(() => new Trainer(device, options))
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      trainer?.dispose()
      trainer = undefined
    })
  )
  const opened = Effect.suspend(() =>
    trainer === undefined
      ? Effect.fail(new EngineError({ engine, reason: "failed", detail: "the session is closed" }))
      : Effect.succeed(trainer)
  )

  let warned = false
  /** Runs a step, and counts the tensors that it left beside its results. */
  const counted = Effect.fnUntraced(function* <const Tensors extends ReadonlyArray<tf.Tensor>>(
    what: string,
    run: () => Tensors,
    batch: Batch
  ) {
    const before = tf.memory().numTensors
    const results = yield* attempt(run, batch)
    const left = tf.memory().numTensors - before - results.length
    const values = yield* read(device, results, batch)
    // A step is one piece of work for the processor: without a pause, no signal would be heard between two.
    yield* Effect.yieldNow
    if (left > 0) {
      const detail = `${left} tensors outlived a ${what}`
      if (policy === "fail") return yield* new EngineError({ engine, reason: "leak", detail })
      if (!warned) yield* Effect.logWarning(`The engine "${engine}" leaks: ${detail}. Please report it.`)
      warned = true
    }
    return values
  })

  return {
    train: (batch, at) =>
      Effect.gen(function* () {
        const open = yield* opened
        const [logits, norm] = yield* counted("training step", () => open.train(batch, at), batch)
        const { loss } = trainingLoss(logits, options.network, batch, options)
        return { loss, logits, gradientNorm: Math.max(...norm) } // of one number
      }),
    predict: (batch) =>
      Effect.gen(function* () {
        const open = yield* opened
        const [logits] = yield* counted("prediction", () => [open.predict(batch)], batch)
        return logits
      }),
    ...(movesStatistics(options.network, options.freezing) && {
      moveStatistics: (batch: Batch, at: { readonly share: number; readonly step: number }) =>
        Effect.gen(function* () {
          const open = yield* opened
          yield* counted(
            "pass over statistics",
            () => {
              open.moveStatistics(batch, at)
              return []
            },
            batch
          )
        })
    }),
    snapshot: Effect.flatMap(opened, (open) =>
      Effect.tryPromise({ try: () => open.snapshot(), catch: (cause) => failure(device, cause) })
    ),
    restore: (state) => Effect.flatMap(opened, (open) => attempt(() => open.restore(state)))
  } satisfies Session
})
