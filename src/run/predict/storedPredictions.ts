import { Effect } from "effect"
import { decodePredictions } from "../../model/StoredPredictions.ts"
import type { FinishedRun } from "../evaluate/readEnsemble.ts"

/** The parts whose predictions a run keeps. */
export type StoredPart = "validation" | "test"

/**
 * The predictions of a part that a run kept when it was trained; undefined where it has kept none: it is not
 * finished, or was made before Weft kept predictions.
 */
export const storedPredictions = Effect.fn("storedPredictions")(function* (
  { config, folder }: FinishedRun,
  part: StoredPart
) {
  const file = `predictions/${part}.safetensors` as const
  if (!(yield* folder.has(file))) return undefined
  const stored = yield* decodePredictions(yield* folder.read(file), `${folder.path}/${file}`)
  return { ...stored, config, run: folder.path }
})
