import { Effect, Struct } from "effect"
import { sha256 } from "../../pipeline/sha256.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { canonical } from "../../pipeline/canonical.ts"
import { passKey } from "../train/passKey.ts"
import type { Passenger } from "./plan.ts"
import type { Trial } from "./points.ts"

/** Names the part of a network that is frozen for the whole run; null where no part is. */
const frozenKey = ({ network, train }: RunConfig): string | null =>
  network.trainable === "all" || train.unfreeze !== undefined
    ? null
    : canonical(Struct.pick(network, ["name", "weights", "padding", "trainable"]))

/** Enough of a digest to tell the passes of a search apart. */
const short = (text: string) => Effect.map(sha256(text), (digest) => digest.slice(0, 16))

/** The facts of a search's trials that decide which are trained together, in the trials' order. */
export const passengers = (trials: ReadonlyArray<Trial>) =>
  Effect.forEach(
    trials,
    Effect.fnUntraced(function* ({ config, id, repetition }) {
      const frozen = frozenKey(config)
      return {
        id,
        pass: yield* short(passKey(config)),
        frozen: frozen === null ? null : yield* short(frozen),
        ...(repetition !== undefined && { setting: repetition.setting })
      } satisfies Passenger
    })
  )
