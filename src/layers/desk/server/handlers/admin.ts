import { Effect, Pull, Stream } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { DeskExports } from "../../../../run/serve/DeskExports.ts"
import { Promotions } from "../../../../run/serve/Promotions.ts"
import { Retrainings } from "../../../../run/serve/Retrainings.ts"
import { CurrentOperator } from "../../api/access.ts"
import { DeskApi } from "../../api/DeskApi.ts"
import { NotFound, NotReady } from "../../api/refusals.ts"
import { answered } from "../faults.ts"

/** A stream whose first bytes are there: what fails before is an answer with its status, and not half a file. */
const begun = Effect.fnUntraced(function* <E>(bytes: Stream.Stream<Uint8Array, E>) {
  const pull = yield* Stream.toPull(bytes)
  const first = yield* Pull.catchDone(pull, () => Effect.succeed<ReadonlyArray<Uint8Array>>([]))
  return Stream.concat(Stream.fromIterable(first), Stream.fromPull(Effect.succeed(pull)))
})

const failing = ({ message }: { readonly message: string }) => Effect.fail(new NotReady({ message }))

/** Exports, retraining, models. */
export const admin = HttpApiBuilder.group(
  DeskApi,
  "admin",
  Effect.fnUntraced(function* (handlers) {
    const exports = yield* DeskExports
    const promotions = yield* Promotions
    const retrainings = yield* Retrainings
    return handlers
      .handle("exportCsv", () =>
        begun(exports.catalogue).pipe(
          Effect.catchTag("NoExport", ({ message }) => Effect.fail(new NotFound({ message }))),
          Effect.catchTag("DeskError", failing)
        )
      )
      .handle("correctionsCsv", () => Effect.catchTag(begun(exports.corrections), "DeskError", failing))
      .handle("retraining", () => answered(retrainings.state))
      .handle("retrain", () => Effect.flatMap(CurrentOperator, ({ name }) => answered(retrainings.begin(name))))
      .handle("stopRetraining", () => answered(retrainings.stop))
      .handle("models", () => answered(promotions.list))
      .handle(
        "promote",
        Effect.fnUntraced(function* ({ params: { model }, payload: { force = false } }) {
          const { name } = yield* CurrentOperator
          return yield* answered(promotions.promote(model, name, { force }))
        })
      )
      .handle("rollBack", () => Effect.flatMap(CurrentOperator, ({ name }) => answered(promotions.rollBack(name))))
  })
)
