import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { readSearchConfig } from "../src/cli/readSearchConfig.ts"
import type { EpochRecord } from "../src/metrics/Report.ts"
import type { SearchTrial, TrialState } from "../src/run/search/SearchResult.ts"
import { stateSoFar, withTrial } from "../src/run/search/SearchResult.ts"
import { searchPoints } from "../src/run/search/points.ts"
import { newSearch } from "../src/run/search/searchFile.ts"

/** An epoch of a trial that gets better from one to the next; `level` is the validation loss of its second. */
export const epochRecord = (epoch: number, level: number): EpochRecord => ({
  epoch,
  trainLoss: (level * 3) / (epoch + 1),
  trainAccuracy: 1 - level / 2,
  validationLoss: (level * 2) / epoch,
  validationAccuracy: 1 - level / 4,
  learningRate: 0.01,
  imagesPerSecond: 100,
  seconds: 10
})

/**
 * The search in `configs/fashion/search.toml`, changed by `sets`, before its first trial, its points, and a way to say how
 * trials stand.
 */
export const fashionSearchWith = Effect.fnUntraced(function* (sets: ReadonlyArray<string>) {
  const { search: config, where } = yield* readSearchConfig("configs/fashion/search.toml", sets)
  const points = yield* searchPoints(config, where)
  return {
    points,
    search: newSearch(config, points),
    /** The change of a trial that has so many epochs behind it. */
    after: (epochs: number, level: number, state: TrialState): Partial<SearchTrial> => ({
      ...stateSoFar(
        points.trials[0]!.config.train,
        Array.from({ length: epochs }, (_, i) => epochRecord(i + 1, level)),
        config.objective
      ),
      state
    })
  }
}, Effect.provide(NodeServices.layer))

/** The search as it is in its file. */
export const fashionSearch = fashionSearchWith([])

/** That search in the middle: twelve trials after two of three epochs, one diverged, three finished, the others waiting. */
export const fashionHalfway = Effect.gen(function* () {
  const { after, points, search } = yield* fashionSearch
  let halfway = search
  for (const [i, { id }] of points.trials.entries()) {
    if (i < 12) halfway = withTrial(halfway, id, after(2, 0.9 - i / 20, "running"))
    if (i === 5)
      halfway = withTrial(halfway, id, {
        ...after(1, 4, "diverged"),
        detail: "The loss became NaN at step 3 of epoch 2"
      })
    if (i >= 12 && i < 15) halfway = withTrial(halfway, id, after(3, 0.75 - i / 30, "finished"))
  }
  return { points, search: { ...halfway, seconds: 320, passes: { wanted: 34_000, made: 3400 } } }
})
