import { Context } from "effect"
import type { Effect } from "effect"
import type { DeskError } from "./DeskFaults.ts"
import type { Retraining } from "./Retraining.ts"

/** Trains candidates on the desk's answers, one at a time. */
export class Retrainings extends Context.Service<
  Retrainings,
  {
    /** How the newest one stands. */
    readonly state: Effect.Effect<Retraining, DeskError>
    /** Begins one; where one goes on, that stays. `by` is null where it begins by itself. */
    readonly begin: (by: string | null) => Effect.Effect<Retraining, DeskError>
    /** Stops the one that goes on; it is not gone on with. */
    readonly stop: Effect.Effect<Retraining, DeskError>
  }
>()("weft/run/serve/Retrainings") {}
