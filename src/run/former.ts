import { Effect, Schema } from "effect"
import type { RunFolder } from "./RunFolder.ts"

/**
 * A run's `former.json`: the digests of the configurations that it had before it was trained longer, the oldest first.
 * What was written down under them, checkpoints among it, is the run's own.
 */
const Former = Schema.fromJsonString(Schema.Struct({ configDigests: Schema.Array(Schema.String) }))

/** The former digests of the run in a folder. A file that is damaged names none: its checkpoints are then refused. */
export const readFormer = Effect.fn("readFormer")(
  function* (folder: RunFolder["Service"]) {
    if (!(yield* folder.has("former.json"))) return []
    const { configDigests } = yield* Schema.decodeEffect(Former)(
      new TextDecoder().decode(yield* folder.read("former.json"))
    )
    return configDigests
  },
  Effect.orElseSucceed((): ReadonlyArray<string> => [])
)

/** The text of a run's `former.json`. */
export const formerText = (configDigests: ReadonlyArray<string>): string =>
  `${JSON.stringify({ configDigests }, null, 2)}\n`
