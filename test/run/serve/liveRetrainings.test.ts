import { assert, describe, it } from "@effect/vitest"
import type { Scope } from "effect"
import { Context, Deferred, Effect, Layer, Schedule, Stream } from "effect"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import * as SqliteDesk from "../../../src/layers/desk/store/SqliteDesk.ts"
import { ImageBytes } from "../../../src/pipeline/ImageBytes.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { Runs } from "../../../src/run/Runs.ts"
import { Classifier } from "../../../src/run/serve/Classifier.ts"
import { defaultSettings, Desk } from "../../../src/run/serve/Desk.ts"
import { DeskExports } from "../../../src/run/serve/DeskExports.ts"
import type { RetrainingSettings } from "../../../src/run/serve/liveRetrainings.ts"
import * as LiveRetrainings from "../../../src/run/serve/liveRetrainings.ts"
import { Photos } from "../../../src/run/serve/Photos.ts"
import { Promotions } from "../../../src/run/serve/Promotions.ts"
import { idle } from "../../../src/run/serve/Retraining.ts"
import type { Retraining } from "../../../src/run/serve/Retraining.ts"
import { Retrainings } from "../../../src/run/serve/Retrainings.ts"
import { TrainingDied, Trainings } from "../../../src/run/serve/Trainings.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"
import { tinyConfig, tinyLayers } from "../train/tinyRun.ts"

const byHand: RetrainingSettings = { after: null, promotes: true, every: 5 }

/** Trains a run in memory; another seed gives other weights. */
const trainedBy = Effect.fnUntraced(function* (path: string, seed: number) {
  const { checkpoints, folder } = yield* Runs.use((runs) => runs.open(path, 2))
  const config = yield* tinyConfig({ seed, train: { epochs: 1, batchSize: 3, select: "last" } })
  yield* trainRun(config).pipe(
    Effect.provideService(RunFolder, folder),
    Effect.provideService(Checkpoints, checkpoints)
  )
})

/** How a training is to end: by failing with this text, or with the weights of this seed. */
type Ending = { readonly fails: string } | { readonly seed: number }

/** What trains here: each training waits until it is let go, and what was written is seen. */
interface FakeTrainings {
  written: Retraining | null
  readonly prepared: Array<{ readonly name: string; readonly corrections: string; readonly seed: unknown }>
  readonly trained: Array<string>
  /** Lets the training that goes on end. */
  go: Deferred.Deferred<Ending>
  stopped: number
}

const trainingsOf = (fake: FakeTrainings) =>
  Layer.effect(
    Trainings,
    Effect.map(Effect.context<Effect.Services<ReturnType<typeof trainedBy>>>(), (context) => ({
      read: Effect.sync(() => fake.written),
      write: (state) => Effect.sync(() => void (fake.written = state)),
      folder: (name) => `runs/${name}`,
      prepare: Effect.fnUntraced(function* (name, config, corrections) {
        const bytes = Buffer.concat(yield* Stream.runCollect(corrections))
        fake.prepared.push({ name, corrections: bytes.toString(), seed: config["seed"] })
      }),
      train: (name, tell) =>
        Effect.gen(function* () {
          fake.trained.push(name)
          const what = yield* Deferred.await(fake.go)
          if ("fails" in what) return yield* new TrainingDied({ detail: what.fails })
          yield* tell(1)
          yield* Effect.orDie(trainedBy(`runs/${name}`, what.seed))
        }).pipe(
          Effect.onInterrupt(() => Effect.sync(() => void (fake.stopped += 1))),
          Effect.provide(context)
        )
    }))
  )

/** A desk with one live model, and retrainings that do not end before `go`. */
const opened = Effect.fnUntraced(function* (settings: RetrainingSettings = byHand, before: Retraining | null = null) {
  const folder = yield* temporaryFolder
  const fake: FakeTrainings = {
    written: before,
    prepared: [],
    trained: [],
    go: yield* Deferred.make<Ending>(),
    stopped: 0
  }
  yield* trainedBy("live", 1)
  const desk = yield* Layer.build(
    SqliteDesk.layer(`${folder}/desk.sqlite`, { columns: ["label"], ...defaultSettings, blindShare: 0 })
  )
  const model = yield* LiveRetrainings.modelName("live")
  yield* Promotions.use((promotions) =>
    Effect.andThen(promotions.offer({ model, run: "live", answers: 0 }), promotions.promote(model, "ann"))
  ).pipe(Effect.provide(desk))
  const all = yield* Layer.build(
    LiveRetrainings.layer(settings).pipe(
      Layer.provide(
        Layer.mergeAll(
          Layer.succeedContext(desk),
          trainingsOf(fake),
          Layer.mock(Classifier, { classifyBy: () => Effect.succeed([]) }),
          Layer.mock(Photos, {}),
          Layer.mock(DeskExports, { trainingCorrections: Stream.make(new TextEncoder().encode("row,column,to\n")) })
        )
      )
    )
  )
  const retrainings = Context.get(all, Retrainings)
  const ends = (state: Retraining["state"]) =>
    retrainings.state.pipe(
      Effect.filterOrFail((now) => now.state === state),
      Effect.retry(Schedule.spaced("5 millis"))
    )
  return { fake, retrainings, ends, model, desk: Context.get(desk, Desk), promotions: Context.get(desk, Promotions) }
})

const live = (
  name: string,
  test: Effect.Effect<void, unknown, Layer.Success<ReturnType<typeof tinyLayers>> | ImageBytes | Runs | Scope.Scope>
) =>
  it.live(
    name,
    () =>
      test.pipe(
        Effect.scoped,
        Effect.provide(Layer.mergeAll(tinyLayers(), Runs.layerMemory, ImageBytes.layerMemory(new Map())))
      ),
    60_000
  )

describe("retrainings", () => {
  live(
    "train on the live run's configuration and the desk's corrections, one at a time, and the gate judges the candidate",
    Effect.gen(function* () {
      const { ends, fake, model, promotions, retrainings } = yield* opened()
      const begun = yield* retrainings.begin("ann")
      assert.include(["waiting", "training"], begun.state)
      assert.strictEqual(begun.by, "ann")
      // One that goes on stays.
      assert.strictEqual((yield* retrainings.begin("bob")).run, begun.run)
      yield* ends("training")
      assert.deepStrictEqual(
        fake.prepared.map(({ corrections, name, seed }) => [name, corrections, seed]),
        [[begun.run, "row,column,to\n", 1]]
      )
      yield* Deferred.succeed(fake.go, { seed: 2 })
      // Nine rows are too few to promise anything of.
      const held = yield* ends("heldBack")
      assert.strictEqual(held.epoch, 1)
      assert.isTrue(held.verdict?.reasons.some(({ of }) => of === "samples"))
      const [candidate] = yield* promotions.list
      assert.deepStrictEqual(
        [candidate?.state, candidate?.run, (yield* promotions.live)?.model],
        ["heldBack", `runs/${begun.run}`, model]
      )
      assert.strictEqual(fake.written?.state, "heldBack")
    })
  )

  live(
    "hold back a candidate with the live model's own weights, and say so",
    Effect.gen(function* () {
      const { ends, fake, promotions, retrainings } = yield* opened()
      yield* retrainings.begin(null)
      yield* Deferred.succeed(fake.go, { seed: 1 })
      assert.include((yield* ends("heldBack")).detail ?? "", "the live model's own weights")
      assert.strictEqual((yield* promotions.list).length, 1)
    })
  )

  live(
    "that fail say why, and that are stopped end their process; the next one begins anew",
    Effect.gen(function* () {
      const { ends, fake, retrainings } = yield* opened()
      yield* retrainings.begin("ann")
      yield* Deferred.succeed(fake.go, { fails: "exit code 3; no class is left" })
      assert.include((yield* ends("failed")).detail ?? "", "no class is left")
      fake.go = yield* Deferred.make<Ending>()
      assert.strictEqual((yield* retrainings.begin("ann")).detail, null)
      yield* ends("training")
      assert.strictEqual((yield* retrainings.stop).state, "stopped")
      assert.strictEqual(fake.stopped, 1)
      assert.strictEqual(fake.written?.state, "stopped")
      // Nothing goes on: stopping again changes nothing.
      assert.strictEqual((yield* retrainings.stop).state, "stopped")
      assert.strictEqual(fake.trained.length, 2)
    })
  )

  live(
    "that a killed server has left are gone on with, without another preparation",
    Effect.gen(function* () {
      const left: Retraining = {
        ...idle,
        state: "training",
        run: "2026-01-01T00-00-00",
        by: "ann",
        began: 1,
        epochs: 1,
        answers: 4
      }
      const { ends, fake, promotions } = yield* opened(byHand, left)
      yield* Deferred.succeed(fake.go, { seed: 2 })
      yield* ends("heldBack")
      assert.deepStrictEqual([fake.trained, fake.prepared], [["2026-01-01T00-00-00"], []])
      assert.strictEqual((yield* promotions.list)[0]?.answers, 4)
    })
  )

  live(
    "begin by themselves after so many answers, and count from then on anew",
    Effect.gen(function* () {
      const { desk, ends, fake, retrainings } = yield* opened({ ...byHand, after: 2 })
      const digests = ["a", "b", "c"].map((digit) => digit.repeat(64))
      yield* desk.arrive(
        digests.map((digest) => ({
          digest,
          name: "photo",
          origin: "inbox" as const,
          rows: [],
          part: null,
          suggestions: []
        }))
      )
      const answer = (digest: string | undefined) =>
        Effect.flatMap(desk.take("ann", digest ?? ""), ({ digest, version }) =>
          desk.answer("ann", { digest, version, values: [{ column: "label", value: "cap" }], seconds: null })
        )
      yield* answer(digests[0])
      assert.deepStrictEqual(
        yield* Effect.map(retrainings.state, ({ after, answers, state }) => [state, answers, after]),
        ["idle", 1, 2]
      )
      yield* answer(digests[1])
      const { by } = yield* ends("training")
      assert.strictEqual(by, null)
      assert.strictEqual(fake.prepared.length, 1)
      assert.strictEqual((yield* retrainings.state).answers, 0)
      yield* answer(digests[2])
      yield* Deferred.succeed(fake.go, { seed: 2 })
      yield* ends("heldBack")
      assert.deepStrictEqual(
        yield* Effect.map(retrainings.state, ({ answers }) => [answers, fake.trained.length]),
        [1, 1]
      )
    })
  )
})
