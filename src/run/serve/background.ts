import { Effect, Latch, Metric, Option, Ref } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunFolder } from "../RunFolder.ts"
import type { ServedModel } from "./Classifier.ts"
import { Classifier } from "./Classifier.ts"
import { Desk } from "./Desk.ts"
import { lastOf } from "./lastOf.ts"
import type { CataloguePhoto } from "./livePhotos.ts"
import { modelName } from "./liveRetrainings.ts"
import { NearPhotos } from "./NearPhotos.ts"
import { Photos } from "./Photos.ts"
import { Promotions } from "./Promotions.ts"
import { takeIn } from "./takeIn.ts"

/** How often a server asks which model is live, and for items without suggestions: other servers change both. */
const everyMillis = 2000

/** Images that are suggested at once, and how many classes an item keeps of each column. */
const suggesting = { atOnce: 16, top: 5 } as const

const suggested = Metric.counter("weft_serve_suggestions", {
  description: "Items that got suggestions in the background",
  incremental: true
})

const declare = Effect.fnUntraced(function* ({ columns }: ServedModel) {
  const desk = yield* Desk
  yield* desk.declareClasses(
    columns.flatMap(({ classes, column }) => classes.map(({ label, trained }) => ({ column, label, trained })))
  )
})

/** Loads the desk's live model; where the desk has none yet, the run's becomes it. */
export const loadModel = Effect.fn("loadModel")(function* (run: string) {
  const promotions = yield* Promotions
  const classifier = yield* Classifier
  const known = yield* promotions.live
  if (known !== null) {
    const served = yield* classifier.serve(known)
    yield* declare(served)
    return known
  }
  const model = yield* modelName(run)
  const served = yield* classifier.serve({ model, run })
  yield* declare(served)
  yield* promotions.offer({ model, run, answers: 0 })
  return yield* promotions.promote(model, "weft")
})

/** Has the live model answer, whoever promotes it: another server, or an admin. It never ends. */
const followModels = Effect.gen(function* () {
  const promotions = yield* Promotions
  const classifier = yield* Classifier
  while (true) {
    yield* Effect.sleep(everyMillis)
    yield* Effect.gen(function* () {
      const live = yield* promotions.live
      const now = yield* classifier.live
      if (live === null || live.model === now?.model) return
      const served = yield* classifier.serve(live)
      yield* declare(served)
      yield* report({ _tag: "Note", line: `${lastOf(served.run)} answers now` })
    }).pipe(
      // The former model goes on.
      Effect.catch((error) => Effect.logError(`the live model is not loaded: ${error.message}`))
    )
  }
})

/** Gives every item the live model's suggestions: of uploads, of the catalogue, and anew after a promotion. */
const suggestAll = Effect.gen(function* () {
  const desk = yield* Desk
  const classifier = yield* Classifier
  const photos = yield* Photos
  /** Images that cannot be read or are refused: they would be asked for for ever. */
  const refused = yield* Ref.make({ model: "", digests: new Set<string>() })

  const some = Effect.fnUntraced(function* () {
    const live = yield* classifier.live
    if (live === null) return 0
    const before = yield* Ref.get(refused)
    const given = before.model === live.model ? before : { model: live.model, digests: new Set<string>() }
    yield* Ref.set(refused, given)
    const found = yield* desk.withoutSuggestion(live.model, suggesting.atOnce + given.digests.size)
    const wanted = found.filter((digest) => !given.digests.has(digest)).slice(0, suggesting.atOnce)
    if (wanted.length === 0) return 0
    const read = yield* Effect.forEach(
      wanted,
      (digest) =>
        Effect.map(Effect.option(photos.bytes(digest)), (bytes) => ({ digest, bytes: Option.flatten(bytes) })),
      { concurrency: 4 }
    )
    const readable = read.flatMap(({ bytes, digest }) => {
      if (Option.isSome(bytes)) return [{ digest, photo: { name: digest, bytes: bytes.value } }]
      given.digests.add(digest)
      return []
    })
    const { answers, by } = yield* classifier.classify(
      readable.map(({ photo }) => photo),
      { top: suggesting.top, behind: true }
    )
    const run = lastOf(by.run)
    const suggestions = readable.flatMap(({ digest }, i) => {
      const answer = answers[i]
      if (answer?._tag === "Classified")
        return [
          { digest, suggestions: answer.columns.map(({ column, top }) => ({ column, model: by.model, run, top })) }
        ]
      given.digests.add(digest)
      return []
    })
    yield* desk.suggest(suggestions)
    yield* Metric.update(suggested, suggestions.length)
    return wanted.length
  })

  while (true) {
    const count = yield* some().pipe(
      Effect.catch((error) => Effect.as(Effect.logWarning(`no suggestions for now: ${error.message}`), 0))
    )
    if (count === 0) yield* Effect.sleep(everyMillis)
  }
})

/**
 * What a server does beside answering, until the Scope closes: it takes the run's catalogue in, suggests, follows
 * promotions, and computes what similar photos are found by.
 */
export const startBackground = Effect.fn("startBackground")(function* (
  config: RunConfig,
  folder: RunFolder["Service"],
  found: (digest: string, photo: CataloguePhoto) => void
) {
  yield* Effect.forkScoped(followModels)
  const taken = yield* Latch.make(false)
  yield* takeIn(config, folder, found).pipe(
    Effect.flatMap((count) => report({ _tag: "Note", line: `the catalogue's ${count} images are at the desk` })),
    Effect.catch((error) =>
      report({
        _tag: "Note",
        line: `the catalogue is not at the desk: ${error.message}. Uploads are taken all the same`
      })
    ),
    Effect.andThen(Latch.open(taken)),
    Effect.forkScoped
  )
  // First the catalogue: where its images are is known then.
  yield* Effect.forkScoped(Effect.andThen(Latch.await(taken), suggestAll))
  const near = yield* NearPhotos
  yield* Effect.forkScoped(Effect.andThen(Latch.await(taken), near.follow))
})
