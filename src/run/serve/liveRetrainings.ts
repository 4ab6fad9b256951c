import { Cause, Clock, Effect, FiberHandle, Layer, Schema, Semaphore } from "effect"
import { sha256 } from "../../pipeline/sha256.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { Engines } from "../../model/Engines.ts"
import { Features } from "../../model/Features.ts"
import { Runs } from "../Runs.ts"
import { Classifier } from "./Classifier.ts"
import { Desk } from "./Desk.ts"
import { DeskError } from "./DeskFaults.ts"
import { DeskExports } from "./DeskExports.ts"
import { judge } from "./judge.ts"
import { Photos } from "./Photos.ts"
import { Promotions } from "./Promotions.ts"
import type { Retraining } from "./Retraining.ts"
import { idle } from "./Retraining.ts"
import { Retrainings } from "./Retrainings.ts"
import { Trainings } from "./Trainings.ts"

/** When a desk retrains, and what happens then. */
export interface RetrainingSettings {
  /** After so many answers since the last training; null: by hand alone. */
  readonly after: number | null
  /** Whether a candidate that passes is promoted at once; else it waits for an admin. */
  readonly promotes: boolean
  /** How often answers are counted, in milliseconds. */
  readonly every: number
}

/** Who promotes what passes the gate. */
const gatekeeper = "weft"

/** A model's name: the digest of its weights. */
export const modelName = Effect.fnUntraced(function* (run: string) {
  const folder = yield* Runs.use((runs) => runs.existing(run))
  return yield* sha256(Uint8Array.from(yield* folder.read("model/model.safetensors")))
})

const isGoingOn = ({ state }: Retraining) => state === "waiting" || state === "training" || state === "judging"

/** The name of a run that begins now: its time, which sorts. */
const nameAt = (now: number): string => new Date(now).toISOString().slice(0, 19).replaceAll(":", "-")

const Config = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** Retrains on the context's desk; one that a killed server has left is gone on with. */
export const layer = (settings: RetrainingSettings) =>
  Layer.effect(
    Retrainings,
    Effect.gen(function* () {
      const context = yield* Effect.context<
        Classifier | Desk | DeskExports | Engines | Features | ImageBytes | Photos | Promotions | Runs | Trainings
      >()
      const desk = yield* Desk
      const exports = yield* DeskExports
      const promotions = yield* Promotions
      const runs = yield* Runs
      const trainings = yield* Trainings
      const work = yield* FiberHandle.make<void>()
      const alone = yield* Semaphore.make(1)
      let now: Retraining = (yield* trainings.read) ?? idle

      const become = (change: Partial<Retraining>) =>
        Effect.suspend(() => {
          now = { ...now, ...change }
          return trainings.write(now)
        })
      /** Answers since the last training began, and what it began with is in the desk's database. */
      const answers = Effect.suspend(() => desk.answersSince(now.began))
      const state = Effect.map(answers, (count): Retraining => ({ ...now, answers: count, after: settings.after }))

      const judged = Effect.fnUntraced(function* (name: string, given: number) {
        const run = trainings.folder(name)
        const model = yield* modelName(run)
        yield* promotions.offer({ model, run, answers: given })
        const live = yield* promotions.live
        if (live === null) {
          yield* promotions.promote(model, gatekeeper)
          return yield* become({ state: "promoted", ended: yield* Clock.currentTimeMillis })
        }
        if (live.model === model)
          return yield* become({
            state: "heldBack",
            ended: yield* Clock.currentTimeMillis,
            detail: "it has the live model's own weights: no answer is of the training part"
          })
        const verdict = yield* judge(live, { model, run })
        yield* promotions.judge(model, verdict)
        if (verdict.passes && settings.promotes) yield* promotions.promote(model, gatekeeper)
        const ended = yield* Clock.currentTimeMillis
        const detail = verdict.passes
          ? settings.promotes
            ? null
            : "it has passed, and waits to be promoted"
          : verdict.reasons.map((reason) => reason.detail).join("; ")
        yield* become({ state: verdict.passes && settings.promotes ? "promoted" : "heldBack", ended, verdict, detail })
      })

      const carryOut = Effect.fnUntraced(
        function* (name: string, given: number) {
          yield* become({ state: "training" })
          yield* trainings.train(name, (epoch) =>
            epoch === now.epoch ? Effect.void : Effect.ignore(become({ epoch }))
          )
          yield* become({ state: "judging" })
          yield* judged(name, given)
        },
        Effect.provide(context),
        Effect.catchCause((cause) =>
          // A server that is stopped leaves it as it is, and goes on when it is started again.
          Cause.hasInterruptsOnly(cause)
            ? Effect.interrupt
            : Effect.gen(function* () {
                const ended = yield* Clock.currentTimeMillis
                yield* Effect.logError("The retraining failed", cause)
                yield* Effect.ignore(become({ state: "failed", ended, detail: messageOf(Cause.squash(cause)) }))
              })
        )
      )

      const start = Effect.fnUntraced(function* (by: string | null) {
        if (isGoingOn(now)) return yield* state
        const live = yield* promotions.live
        if (live === null)
          return yield* new DeskError({ detail: "there is no live model that could be trained further", cause: null })
        const began = yield* Clock.currentTimeMillis
        const name = nameAt(began)
        const given = yield* desk.answersSince(null)
        const failed = (cause: unknown) =>
          new DeskError({ detail: `a retraining cannot begin: ${messageOf(cause)}`, cause })
        const text = yield* runs.existing(live.run).pipe(
          Effect.flatMap((folder) => folder.read("config.json")),
          Effect.mapError(failed)
        )
        const config = yield* Effect.mapError(Schema.decodeEffect(Config)(new TextDecoder().decode(text)), failed)
        yield* trainings.prepare(name, config, exports.trainingCorrections)
        const train = config["train"] as { readonly epochs?: number } | undefined
        yield* become({
          ...idle,
          state: "waiting",
          run: name,
          by,
          began,
          epochs: train?.epochs ?? 0,
          answers: given
        })
        yield* FiberHandle.run(work, carryOut(name, given))
        return yield* state
      })
      const begin = (by: string | null) => Semaphore.withPermit(alone)(start(by))

      // What a killed server has left.
      if (isGoingOn(now) && now.run !== null) yield* FiberHandle.run(work, carryOut(now.run, now.answers))

      const { after } = settings
      if (after !== null)
        yield* Effect.gen(function* () {
          while (true) {
            yield* Effect.sleep(settings.every)
            if (!isGoingOn(now) && (yield* answers) >= after) yield* begin(null)
          }
        }).pipe(
          Effect.catch((error) => Effect.logError("Answers cannot be counted for a retraining", error)),
          Effect.forever,
          Effect.forkScoped
        )

      return {
        state,
        begin,
        stop: Semaphore.withPermit(alone)(
          Effect.gen(function* () {
            if (!isGoingOn(now)) return yield* state
            yield* FiberHandle.clear(work)
            yield* become({ state: "stopped", ended: yield* Clock.currentTimeMillis })
            return yield* state
          })
        )
      }
    })
  )
