import { Effect, Schema } from "effect"
import { EpochRecord } from "../../metrics/Report.ts"
import { RunFolder, RunFolderError } from "../RunFolder.ts"
import { TrialEnd } from "./Group.ts"

/** A trial's `trial.json`: its progress in its search. */
export const TrialRecord = Schema.Struct({
  ...TrialEnd.fields,
  /** The last rung that it has finished. */
  rung: Schema.Natural,
  history: Schema.Array(EpochRecord),
  /** The epoch (from 1) that its metrics are of; null before the first epoch's end. */
  chosenEpoch: Schema.NullOr(Schema.Natural),
  /** Seconds of all its epochs; of a finished trial, of the whole run. */
  seconds: Schema.Finite
})
export type TrialRecord = typeof TrialRecord.Type

const Text = Schema.fromJsonString(TrialRecord)

/** Writes a trial's record into its folder. */
export const writeRecord = Effect.fnUntraced(function* (record: TrialRecord) {
  const folder = yield* RunFolder
  const json = yield* Effect.orDie(Schema.encodeEffect(TrialRecord)(record))
  yield* folder.write("trial.json", `${JSON.stringify(json, null, 2)}\n`)
})

/** A trial's record; undefined where it has none yet. */
export const readRecord = Effect.gen(function* () {
  const folder = yield* RunFolder
  if (!(yield* folder.has("trial.json"))) return undefined
  const text = new TextDecoder().decode(yield* folder.read("trial.json"))
  return yield* Schema.decodeEffect(Text)(text).pipe(
    Effect.mapError(
      ({ message }) =>
        new RunFolderError({
          path: `${folder.path}/trial.json`,
          reason: "invalid",
          detail: `this is not a trial's record (${message}); remove the file, and the trial goes on from its checkpoints`
        })
    )
  )
})
