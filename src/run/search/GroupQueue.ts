import { Effect, Exit, Schedule, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { DurableDeferred } from "effect/workflow"
import { Group, GroupEnd } from "./Group.ts"

/** A group that waits for whoever is idle, and where its end is to be told. */
const Item = Schema.Struct({ token: DurableDeferred.Token, group: Group })

/** The queue itself gives no group up: who takes it knows how often others died over it. */
const unlimited = 2 ** 31 - 1

/** A search's groups. */
const queueOf = (search: string) =>
  PersistedQueue.make({
    name: `weft/${search}`,
    schema: Item,
    maxAttempts: unlimited
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
 * `train` is told which attempt this is, from 1: a later one where those before died over it. Where it fails or is
 * interrupted, the group is there for others at once, nothing is in the journal, and it was no attempt.
 */
export const takeGroup = Effect.fn("GroupQueue.takeGroup")(function* <E, R>(
  search: string,
  train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, E, R>
) {
  const queue = yield* queueOf(search)
  let failure: { readonly error: E } | undefined
  const exit = yield* Effect.exit(
    queue.take(({ group, token }, { attempts }) =>
      train(group, attempts).pipe(
        // The queue counts as an attempt what fails, and not what is interrupted: a death is neither.
        Effect.catch((error) => {
          failure = { error }
          return Effect.interrupt
        }),
        Effect.flatMap((end) => DurableDeferred.done(endOf(group), { token, exit: Exit.succeed(end) }))
      )
    )
  )
  if (failure !== undefined) return yield* Effect.fail(failure.error)
  return yield* exit
})
