import { Context, Deferred, Effect, Fiber, Layer, Queue, Schema } from "effect"
import type { Group } from "./Group.ts"
import { GroupEnd, TrialEnd } from "./Group.ts"

/** A search to run: the part of its configuration that decides the order of its trials. */
export const SearchPayload = Schema.Struct({
  /** Names this configuration in this folder: searches with the same key are the same search. */
  key: Schema.String,
  /** See `Passenger`. */
  trials: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      pass: Schema.String,
      frozen: Schema.NullOr(Schema.String),
      setting: Schema.optionalKey(Schema.String)
    })
  ),
  /** The rungs, one after the other; after each, `keep` trials go on. The last rung's trials train to their end. */
  rungs: Schema.NonEmptyArray(Schema.Struct({ until: Schema.optionalKey(Schema.Natural), keep: Schema.Natural })),
  goal: Schema.Literals(["min", "max"]),
  /** Where groups can be trained side by side, and how many whole networks a group may have: see `plan`. */
  places: Schema.Natural,
  most: Schema.Natural
})
export type SearchPayload = typeof SearchPayload.Type

/** The end of a search: every trial of it, in its order. */
export const SearchEnd = Schema.Struct({
  /** `rung`: the last rung that the trial took part in. */
  trials: Schema.Array(Schema.Struct({ ...TrialEnd.fields, rung: Schema.Natural })),
  passes: GroupEnd.fields.passes
})
export type SearchEnd = typeof SearchEnd.Type

/**
 * Runs a search to its end: `runSearch`. `handOut` lets idle workers train groups, and returns their ends in the
 * groups' order. When the search is resumed, it returns known ends again.
 */
export type SearchRounds = <R>(
  search: SearchPayload,
  handOut: (groups: ReadonlyArray<Group>) => Effect.Effect<ReadonlyArray<GroupEnd>, never, R>
) => Effect.Effect<SearchEnd, never, R>

/** The groups of a search cannot be read or saved: the file or the database refuses. */
export class GroupQueueError extends Schema.TaggedError<GroupQueueError>()("GroupQueueError", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return this.detail
  }
}

/** The queue of groups that wait to be trained. */
export class GroupQueue extends Context.Service<
  GroupQueue,
  {
    /**
     * Waits for a group of a search, trains it, and sends its end to the search.
     *
     * `attempt` counts from 1, and grows where the process that trained the group died. Where `train` fails or is
     * interrupted, the group returns to the queue at once, and the attempt is not counted.
     */
    readonly take: <E, R>(
      search: string,
      train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, E, R>
    ) => Effect.Effect<void, E | GroupQueueError, R>
  }
>()("weft/run/search/GroupQueue") {}

/** Searches that can be stopped or killed, and go on from the groups' ends that were saved. */
export class Searches extends Context.Service<
  Searches,
  {
    /**
     * Begins a search, unless it has begun, and waits for its end.
     *
     * Interrupting it does not interrupt the search: its workers go on.
     */
    readonly end: (search: SearchPayload) => Effect.Effect<SearchEnd>
  }
>()("weft/run/search/Searches") {
  /** Searches and their groups in memory: they end with the Layer's scope. */
  static readonly layerMemory = (rounds: SearchRounds): Layer.Layer<Searches | GroupQueue> =>
    Layer.effectContext(
      Effect.gen(function* () {
        interface Waiting {
          readonly group: Group
          readonly end: Deferred.Deferred<GroupEnd>
        }
        const scope = yield* Effect.scope
        const searches = new Map<string, Fiber.Fiber<SearchEnd>>()
        const queues = new Map<string, Queue.Queue<Waiting>>()
        const queueOf = Effect.fnUntraced(function* (search: string) {
          const queue = queues.get(search) ?? (yield* Queue.unbounded<Waiting>())
          queues.set(search, queue)
          return queue
        })
        const handOut = Effect.fnUntraced(function* (groups: ReadonlyArray<Group>) {
          const waiting = yield* Effect.forEach(groups, (group) =>
            Effect.map(Deferred.make<GroupEnd>(), (end) => ({ group, end }))
          )
          for (const one of waiting) yield* Queue.offer(yield* queueOf(one.group.search), one)
          return yield* Effect.forEach(waiting, ({ end }) => Deferred.await(end))
        })
        return Context.make(Searches, {
          end: Effect.fn("Searches.end")(function* (search) {
            const fiber = searches.get(search.key) ?? (yield* Effect.forkIn(rounds(search, handOut), scope))
            searches.set(search.key, fiber)
            return yield* Fiber.join(fiber)
          })
        }).pipe(
          Context.add(GroupQueue, {
            take: Effect.fn("GroupQueue.take")(function* <E, R>(
              search: string,
              train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, E, R>
            ) {
              const queue = yield* queueOf(search)
              yield* Effect.uninterruptibleMask((restore) =>
                Effect.flatMap(restore(Queue.take(queue)), (one) =>
                  restore(train(one.group, 1)).pipe(
                    Effect.onExit((exit) =>
                      exit._tag === "Success" ? Deferred.succeed(one.end, exit.value) : Queue.offer(queue, one)
                    )
                  )
                )
              )
            })
          })
        )
      })
    )
}
