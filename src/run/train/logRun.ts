import { Cause, Effect, Option, Scope, Stream } from "effect"
import type { EpochRecord } from "../../metrics/Report.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import { report } from "../../pipeline/Progress.ts"
import type { LoggedRun, RunEnd, RunLog } from "../RunLogger.ts"
import { RunLoggers } from "../RunLogger.ts"
import type { OpenRun } from "./open.ts"
import type { OpenBatches } from "./openBatches.ts"

/** The first epoch's first batch, as images, whatever is known of their features. */
const firstBatch = Effect.fn("logRun.firstBatch")(function* (
  { config, training }: Pick<OpenRun, "config" | "training">,
  { losses }: Pick<OpenBatches, "losses">
) {
  const batch = yield* Stream.runHead(Pipeline.trainingBatches(config, training, losses, 0, 0))
  return yield* Effect.fromOption(batch)
})

/**
 * Those who follow a run, as one. What fails in one of them is a note, once, and touches neither the run nor the others.
 *
 * `begin` is for when the run has begun; a run of which no end is reported has stopped when the Scope closes.
 */
export const logRun = Effect.fnUntraced(function* (run: OpenRun, batches: Pick<OpenBatches, "losses">) {
  const loggers = yield* RunLoggers
  const scope = yield* Scope.Scope
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof firstBatch>>>()
  const { config, dataset, engine, folder, network, parameters, trial } = run
  const logs: Array<RunLog> = []
  const noted = new Set<string>()
  let isOver = false

  const guarded = <A>(work: Effect.Effect<A, Error>) =>
    Effect.catchCause(Effect.asSome(work), (cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const line = `${messageOf(Cause.squash(cause))}. The run goes on without it.`
      const isKnown = noted.has(line)
      noted.add(line)
      return isKnown
        ? Effect.succeedNone
        : Effect.as(report({ _tag: "Note", line, ...(trial !== undefined && { trial }) }), Option.none())
    })

  const begin = Effect.fn("logRun.begin")(function* (history: ReadonlyArray<EpochRecord>) {
    const { test, train, validation } = dataset
    const logged: LoggedRun = {
      folder,
      trial,
      config,
      labels: dataset.classes,
      columns: dataset.columns,
      samples: { train: train.length, validation: validation.length, test: test.length },
      network: network.name,
      parameters,
      engine: engine.info,
      history,
      firstBatch: Effect.provideContext(firstBatch(run, batches), context)
    }
    for (const logger of loggers) {
      const log = yield* guarded(Effect.provideService(logger(logged), Scope.Scope, scope))
      if (log._tag === "Some" && log.value !== undefined) logs.push(log.value)
    }
  })

  const all = (work: (log: RunLog) => Effect.Effect<void, Error>) =>
    Effect.forEach(logs, (log) => guarded(work(log)), { discard: true })

  const ended = Effect.fn("logRun.ended")(function* (end: RunEnd) {
    if (isOver) return
    isOver = true
    yield* all((log) => log.ended(end))
  })
  yield* Effect.addFinalizer(() => ended({ state: "stopped" }))

  return {
    begin,
    epoch: Effect.fn("logRun.epoch")((history: ReadonlyArray<EpochRecord>) => all((log) => log.epoch(history))),
    ended
  }
})
export type RunLogOfAll = Effect.Success<ReturnType<typeof logRun>>
