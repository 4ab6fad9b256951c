import { Effect, Schema } from "effect"
import { repeatedRungs } from "./halving.ts"
import { repetitionsOf } from "./SearchConfig.ts"
import type { SearchConfig } from "./SearchConfig.ts"
import { SearchResult } from "./SearchResult.ts"
import { RunFolder, RunFolderError } from "../RunFolder.ts"
import type { SearchPoints } from "./points.ts"

/** A search before its first trial. */
export const newSearch = (config: SearchConfig, { duplicates, trials }: SearchPoints): SearchResult => {
  const epochs = Math.max(...trials.map(({ config }) => config.train.epochs))
  const { strategy } = config
  return {
    format: "weft-search-2",
    config,
    rungs:
      strategy.kind === "halving"
        ? repeatedRungs(trials.length, repetitionsOf(config), { ...strategy, epochs })
        : [{ epochs, trials: trials.length, keep: trials.length }],
    trials: trials.map(({ config, id, repetition, settings }) => ({
      id,
      settings,
      ...(repetition !== undefined && { repetition }),
      state: "waiting",
      rung: 0,
      folder: `trials/${id}`,
      epochs: config.train.epochs,
      history: [],
      chosenEpoch: null,
      metric: null,
      seconds: 0
    })),
    duplicates,
    passes: { wanted: 0, made: 0 },
    seconds: 0
  }
}

/** Writes a search's state to `search.json` in its folder, atomically. */
export const writeSearch = Effect.fn("writeSearch")(function* (search: SearchResult) {
  const folder = yield* RunFolder
  // A result that we made can be encoded.
  const json = yield* Effect.orDie(Schema.encodeEffect(SearchResult)(search))
  yield* folder.write("search.json", `${JSON.stringify(json, null, 2)}\n`)
})

/** A search's state when it was last saved. */
export const readSearch = Effect.gen(function* () {
  const folder = yield* RunFolder
  const text = new TextDecoder().decode(yield* folder.read("search.json"))
  return yield* Schema.decodeEffect(Schema.fromJsonString(SearchResult))(text).pipe(
    Effect.mapError(
      ({ message }) =>
        new RunFolderError({
          path: `${folder.path}/search.json`,
          reason: "invalid",
          detail: `this is not a search's file of this version of Weft: ${message}`
        })
    )
  )
})
