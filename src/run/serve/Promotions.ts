import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { DeskError } from "./DeskFaults.ts"
import { Instant, Name } from "./Item.ts"
import { Verdict } from "./gate.ts"

/**
 * `candidate`: trained, and not judged yet. `heldBack`: the gate said no. `passed`: the gate said yes, and it waits.
 * `live`: it answers. `former`: it was live, and its files are kept for rolling back. `gone`: its files may be removed.
 */
export const ModelState = Schema.Literals(["candidate", "heldBack", "passed", "live", "former", "gone"])
export type ModelState = typeof ModelState.Type

/** A model that the desk knows. */
export const ModelRecord = Schema.Struct({
  /** Its name: the digest of its weights, or any text that no other model has. */
  model: Name,
  /** Its run's folder, relative to the desk's folder or absolute. */
  run: Schema.String,
  state: ModelState,
  offered: Instant,
  /** Answers that it was trained on. */
  answers: Schema.Natural,
  /** When and by whom it was last promoted or rolled back to. */
  promoted: Schema.NullOr(Instant),
  by: Schema.NullOr(Name),
  verdict: Schema.NullOr(Verdict)
})
export type ModelRecord = typeof ModelRecord.Type

/** There is no such model, or its state does not allow what was asked for. */
export class NotPromotable extends Schema.TaggedError<NotPromotable>()("NotPromotable", {
  model: Schema.String,
  /** Null: it is not known. */
  state: Schema.NullOr(ModelState),
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** The newest five former models stay; older ones become `gone`. */
export const formerKept = 5

/** Which model is live, and which were: the same for all servers of one desk. */
export class Promotions extends Context.Service<
  Promotions,
  {
    /** All models, the newest first. */
    readonly list: Effect.Effect<ReadonlyArray<ModelRecord>, DeskError>
    /** The live model; null before the first is promoted. Cheap: servers ask every few seconds. */
    readonly live: Effect.Effect<ModelRecord | null, DeskError>
    /** Adds a model as a candidate; one that is known stays as it is. */
    readonly offer: (model: {
      readonly model: string
      readonly run: string
      readonly answers: number
    }) => Effect.Effect<ModelRecord, DeskError>
    /** Records the gate's verdict on a candidate: `passed` or `heldBack`. */
    readonly judge: (model: string, verdict: Verdict) => Effect.Effect<ModelRecord, NotPromotable | DeskError>
    /**
     * Makes a model live, and the live one a former one, in one step. The first model of a desk needs no verdict; later
     * ones must have passed. `force` (an admin's) promotes one that was held back, and the log of models keeps who did.
     */
    readonly promote: (
      model: string,
      by: string,
      options?: { readonly force?: boolean }
    ) => Effect.Effect<ModelRecord, NotPromotable | DeskError>
    /** Makes the newest former model live again; the one that was live becomes `heldBack`. */
    readonly rollBack: (by: string) => Effect.Effect<ModelRecord, NotPromotable | DeskError>
  }
>()("weft/run/serve/Promotions") {}
