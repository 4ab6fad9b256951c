import { Duration, Effect, Layer } from "effect"
import { PersistedQueue } from "effect/persistence"

/** A worker that has sent no sign of life for this long counts as dead, and its work is given to others. */
export const defaultExpiry = Duration.seconds(10)

/** The table of the queues. */
export const queueTable = "weft_groups"

/** A queue never gives an element up: the worker that takes it learns how many workers have died over it. */
export const unlimited = 2 ** 31 - 1

/** The cluster's queues, on its PostgreSQL. */
export const layer = (expiry: Duration.Duration) =>
  PersistedQueue.layer.pipe(
    Layer.provide(
      PersistedQueue.layerStoreSql({
        tableName: queueTable,
        pollInterval: "500 millis",
        lockExpiration: expiry,
        lockRefreshInterval: Duration.divideUnsafe(expiry, 4)
      })
    )
  )

/**
 * Waits for an element of a queue and works on it; `attempt` counts from 1, and grows where the process died that worked
 * on it. Where `work` fails or is interrupted, the element returns to the queue at once, and the attempt is not counted.
 */
export const takeUncounted = Effect.fnUntraced(function* <A, E, R, QueueE, QueueR>(
  queue: PersistedQueue.PersistedQueue<A, QueueR>,
  work: (element: A, attempt: number) => Effect.Effect<void, E, R>,
  /** The error where the queue cannot be read. */
  unreadable: (cause: PersistedQueue.PersistedQueueError) => QueueE
) {
  let failure: { readonly error: E } | undefined
  /** The queue counts failures as attempts, and no interruptions. */
  const interrupted = (error: E) => {
    failure = { error }
    return Effect.interrupt
  }
  const exit = yield* Effect.exit(
    queue
      .take((element, { attempts }) => work(element, attempts).pipe(Effect.catch(interrupted)))
      .pipe(Effect.mapError(unreadable))
  )
  if (failure !== undefined) return yield* Effect.fail(failure.error)
  return yield* exit
})
