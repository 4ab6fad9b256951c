import { Effect } from "effect"
import type { ModelFailed, NoModel, TooBusy } from "../../../run/serve/Classifier.ts"
import type { DeskError, QueueFull } from "../../../run/serve/DeskFaults.ts"
import type { DeskImagesError } from "../../../run/serve/DeskImages.ts"
import { NotReady, TooMany } from "../api/refusals.ts"

/** Faults of the desk itself, which a request is not to blame for. */
type Fault = DeskError | DeskImagesError | NoModel | ModelFailed | TooBusy | QueueFull

const isFault = (error: unknown): error is Fault =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  typeof error._tag === "string" &&
  ["DeskError", "DeskImagesError", "NoModel", "ModelFailed", "TooBusy", "QueueFull"].includes(error._tag)

const answerTo = Effect.fnUntraced(function* (fault: Fault) {
  switch (fault._tag) {
    case "TooBusy":
      return yield* new TooMany({ retryAfter: 1, message: fault.message })
    case "QueueFull":
      return yield* new TooMany({ retryAfter: 60, message: fault.message })
    case "NoModel":
      return yield* new NotReady({ message: fault.message })
    default:
      yield* Effect.logError(fault.message, fault.cause)
      return yield* new NotReady({ message: fault.message })
  }
})

/** Faults of the desk as the answers that the API has for them: 503, or 429 where it has too much to do. */
export const answered = <A, E, R>(
  work: Effect.Effect<A, E, R>
): Effect.Effect<
  A,
  Exclude<E, Fault> | NotReady | (Extract<E, TooBusy | QueueFull> extends never ? never : TooMany),
  R
> =>
  work.pipe(
    Effect.catch((error): Effect.Effect<never, Exclude<E, Fault> | NotReady | TooMany> =>
      // What is left is not a fault: `isFault` names all of them.
      isFault(error) ? answerTo(error) : Effect.fail(error as Exclude<E, Fault>)
    )
    // TooMany comes of TooBusy and QueueFull alone, which the type says.
  ) as never
