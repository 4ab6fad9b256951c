import { Effect, Exit, Layer, Option, Schedule, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { DurableDeferred, Workflow, WorkflowEngine } from "effect/workflow"
import { Group, GroupEnd } from "../../run/search/Group.ts"
import { GroupQueue, GroupQueueError, SearchEnd, Searches, SearchPayload } from "../../run/search/Searches.ts"
import type { SearchRounds } from "../../run/search/Searches.ts"
import { takeUncounted, unlimited } from "../cluster/jobQueue.ts"

/**
 * A search as a durable workflow: rounds of groups of trials. Any idle worker may train a group.
 *
 * Its journal has ids, states and objectives. When it is started again after it was stopped or killed, groups whose end
 * is in the journal are not trained again. The engine that runs the workflow is a Layer: in memory, on SQLite, or on a
 * cluster.
 */
export const Search = Workflow.make("weft/Search", {
  payload: SearchPayload.fields,
  success: SearchEnd,
  idempotencyKey: ({ key }) => key
})

/** A group in the queue, and the deferred that gets its end. */
const Item = Schema.Struct({ token: DurableDeferred.Token, group: Group })

/** The queue of a search's groups. */
const queueOf = (search: string) =>
  PersistedQueue.make({
    name: `weft/${search}`,
    schema: Item,
    maxAttempts: unlimited
  })

/** A group's name in its search and in the journal. */
const nameOf = ({ index, rung }: Group) => `rung-${rung}/group-${index}`

const endOf = (group: Group) => DurableDeferred.make(nameOf(group), { success: GroupEnd })

/**
 * Queues groups for idle workers, and returns their ends in the groups' order. Each group is an activity of the
 * workflow: once it is done it is in the journal, and is not done again.
 */
export const handOut = Effect.fn("SearchWorkflow.handOut")(function* (groups: ReadonlyArray<Group>) {
  // All groups are queued before the workflow waits for the first: it is suspended while it waits.
  yield* Effect.forEach(
    groups,
    Effect.fnUntraced(function* (group) {
      const token = yield* DurableDeferred.token(endOf(group))
      const queue = yield* queueOf(group.search)
      // A resumed workflow runs from its beginning; the same name is queued only once.
      yield* queue
        .offer({ token, group }, { id: nameOf(group) })
        .pipe(Effect.retry({ times: 10, schedule: Schedule.spaced("1 second") }), Effect.orDie)
    })
  )
  return yield* Effect.forEach(groups, (group) => DurableDeferred.await(endOf(group)))
})

/** The workflow's handler in this process; `afterwards` runs at the end of each search. */
export const workflow = <R = never>(
  rounds: SearchRounds,
  afterwards: (key: string) => Effect.Effect<void, never, R> = () => Effect.void
) => Search.toLayer((search) => Effect.tap(rounds(search, handOut), afterwards(search.key)))

/** Searches as workflows of the engine. */
export const searches = Layer.effect(
  Searches,
  Effect.map(Effect.context<WorkflowEngine.WorkflowEngine>(), (context) => ({
    end: Effect.fn("Searches.end")(function* (search: SearchPayload) {
      const id = yield* Search.execute(search, { discard: true })
      const complete = yield* Search.poll(id).pipe(
        Effect.map(Option.filter((result) => result._tag === "Complete")),
        Effect.repeat({ until: Option.isSome, schedule: Schedule.spaced("200 millis") })
      )
      const exit: Exit.Exit<SearchEnd> = Option.isSome(complete)
        ? complete.value.exit
        : Exit.die("the search has no end")
      return yield* exit
    }, Effect.provideContext(context))
  }))
)

/** The groups of the workflows' queue. */
export const groupQueue = Layer.effect(
  GroupQueue,
  Effect.map(Effect.context<WorkflowEngine.WorkflowEngine | PersistedQueue.PersistedQueueFactory>(), (context) => ({
    take: Effect.fn("GroupQueue.take")(function* <E, R>(
      search: string,
      train: (group: Group, attempt: number) => Effect.Effect<GroupEnd, E, R>
    ) {
      const queue = yield* Effect.provideContext(queueOf(search), context)
      return yield* takeUncounted(
        queue,
        ({ group, token }, attempt) =>
          Effect.flatMap(train(group, attempt), (end) =>
            Effect.provideContext(DurableDeferred.done(endOf(group), { token, exit: Exit.succeed(end) }), context)
          ),
        (cause) => new GroupQueueError({ detail: cause.message, cause })
      )
    })
  }))
)
