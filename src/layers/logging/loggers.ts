import { Config, Effect, Layer } from "effect"
import { RunLoggers } from "../../run/RunLogger.ts"
import type { RunLogger } from "../../run/RunLogger.ts"

/** The logger of an MLflow server, where MLFLOW_TRACKING_URI names one; nothing of it is loaded otherwise. */
const mlflow = Effect.gen(function* () {
  const address = yield* Config.String("MLFLOW_TRACKING_URI").pipe(Config.withDefault(""))
  if (address === "") return []
  if (!/^https?:$/.test(URL.parse(address)?.protocol ?? "")) {
    yield* Effect.logWarning(
      "MLFLOW_TRACKING_URI is no address of a server: it should be like http://localhost:5000. Nothing is logged there."
    )
    return []
  }
  const { mlflowLogger } = yield* Effect.promise(() => import("./Mlflow.ts"))
  return [yield* mlflowLogger]
}).pipe(Effect.orDie) // texts that may be missing cannot fail

/** Those who follow every run: those that are given, and an MLflow server where the environment names one. */
export const layerWith = <R>(given: Effect.Effect<ReadonlyArray<RunLogger>, never, R>) =>
  Layer.effect(
    RunLoggers,
    Effect.map(Effect.all([given, mlflow]), ([own, others]) => [...own, ...others])
  )
