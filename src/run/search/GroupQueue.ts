import { Effect, Exit, Schedule, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { DurableDeferred } from "effect/workflow"
import { Group, GroupEnd } from "./Group.ts"

/** A group that waits for whoever is idle, and where its end is to be told. */
const Item = Schema.Struct({ token: DurableDeferred.Token, group: Group })

/** How often a group is taken up before it is given up, where those who take it die: see `takeGroup`. */
const unlimited = 2 ** 31 - 1

/** A search's groups. An item that fails is there again after a second, so that another worker can have it. */
const queueOf = (search: string) =>
  PersistedQueue.make({
    name: `weft/${search}`,
    schema: Item,
    maxAttempts: unlimited,
    retrySchedule: Schedule.spaced("1 second")
  })

/** A group's name in its search, also in the journal. */
const nameOf = ({ index, rung }: Group) => `rung-${rung}/group-${index}`

const endOf = (group: Group) => DurableDeferred.make(nameOf(group), { success: GroupEnd })

/**
 * Has groups trained by whoever is idle, and gives their ends, in their order: each is an activity of the workflow, which
 * is in the journal once it is done, and is then not done again.
 */
export const handOut = Effect.fn("GroupQueue.handOut")(function* (groups: ReadonlyArray<Group>) {
  // All are there to be taken before the workflow waits for the first: it is laid aside while it waits.
  yield* Effect.forEach(
    groups,
    Effect.fnUntraced(function* (group) {
      const token = yield* DurableDeferred.token(endOf(group))
      const queue = yield* queueOf(group.search)
      // A workflow begins anew when it goes on: the same name is queued once.
      yield* queue
        .offer({ token, group }, { id: nameOf(group) })
        .pipe(Effect.retry({ times: 10, schedule: Schedule.spaced("1 second") }), Effect.orDie)
    })
  )
  return yield* Effect.forEach(groups, (group) => DurableDeferred.await(endOf(group)))
})

/**
 * Waits for a group of a search, and trains it; its end is told to the workflow.
 *
 * `train` is told how often the group was taken up, from 1: more often than once where others died over it. Where it
 * fails or is interrupted, the group waits again, and nothing is in the journal.
 */
export const takeGroup = Effect.fn("GroupQueue.takeGroup")(function* <E, R>(
  search: string,
  train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, E, R>
) {
  const queue = yield* queueOf(search)
  return yield* queue.take(({ group, token }, { attempts }) =>
    Effect.flatMap(train(group, attempts), (end) =>
      DurableDeferred.done(endOf(group), { token, exit: Exit.succeed(end) })
    )
  )
})
