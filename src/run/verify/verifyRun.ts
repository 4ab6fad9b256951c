import { Effect, Schema } from "effect"
import { Report } from "../../metrics/Report.ts"
import type { Model } from "../../model/Model.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { withoutLost } from "../../pipeline/Losses.ts"
import * as Pipeline from "../../pipeline/Pipeline.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import type { BegunData } from "../train/begunData.ts"
import { forVerifying, lostOf, readBegunData } from "../train/begunData.ts"
import { openPredictor, openRunEngine } from "../predict/openPredictor.ts"
import type { PredictorName } from "../predict/openPredictor.ts"
import { RunError } from "../RunError.ts"
import type { RunEngine } from "../train/RunEngine.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Check } from "./Check.ts"
import { cannot, differs } from "./Check.ts"
import { checkData } from "./checkData.ts"
import { checkMetrics, checkModel, readPredictions } from "./checkMetrics.ts"
import { checkFiles, textOf } from "./checkFiles.ts"
import { checkPredictions } from "./checkPredictions.ts"

/** How thoroughly a run is verified. */
export interface VerifyOptions {
  /** Whether the catalogue is read, and the predictions are made again. */
  readonly data: boolean
  /** Samples of each part that are predicted again. */
  readonly samples: number
  /** The engine that predicts; where left out, the one that the run ran on. */
  readonly engine?: PredictorName | undefined
  /** The engine that the run ran on, where it is known; else the configuration chooses one. */
  readonly recorded?: RunEngine | undefined
}

/** Checks with the catalogue as it is now. */
const withData = Effect.fnUntraced(function* (
  config: RunConfig,
  report: Report,
  model: Model | undefined,
  stored: ReadonlyArray<StoredPredictions>,
  begun: BegunData | undefined,
  { engine, recorded, samples }: VerifyOptions
) {
  const found = yield* Effect.result(Pipeline.dataset(config, begun && forVerifying(begun)))
  if (found._tag === "Failure") {
    const error = found.failure
    return [error._tag === "DataUnusable" ? differs("data", error.message) : cannot("data", error.message)]
  }
  const dataset = withoutLost(found.success, begun === undefined ? [] : lostOf(begun))
  const checks: Array<Check> = [...(yield* checkData(config, report, dataset, stored, model))]
  if (model === undefined) return [...checks, cannot("predictions", "the model cannot be read")]
  const opened = yield* Effect.result(
    engine === undefined ? openRunEngine(config.engine, model, recorded) : openPredictor(config.engine, model, engine)
  )
  if (opened._tag === "Failure") return [...checks, cannot("predictions", opened.failure.message)]
  for (const part of stored)
    checks.push(
      yield* checkPredictions(config, report, model, dataset, part, opened.success, samples).pipe(
        Effect.catch((error) => Effect.succeed(cannot(`${part.part} predictions`, error.message)))
      )
    )
  return checks
})

/**
 * Computes a run's recorded values again, and reports which agree: digests, the ledger's sums, the metrics from the
 * stored predictions; with the catalogue also its digest, the split, each sample's file, and the predictions from the
 * weights.
 *
 * Fails where there is no report to check.
 */
export const verifyRun = Effect.fn("verifyRun")(function* (config: RunConfig, options: VerifyOptions) {
  const folder = yield* RunFolder
  const report = yield* Schema.decodeEffect(Schema.fromJsonString(Report))(yield* textOf("report.json")).pipe(
    Effect.mapError(
      ({ message }) => new RunError({ run: folder.path, detail: `report.json is not a run's report: ${message}` })
    )
  )
  const begun = yield* readBegunData(folder, config)
  const { check, model } = yield* checkModel(report)
  const validation = yield* readPredictions("validation", report)
  const test = yield* readPredictions("test", report)
  const isCheck = (value: Check | StoredPredictions): value is Check => "status" in value
  const stored = [validation, test].flatMap((part) => (isCheck(part) ? [] : [part]))
  const checks: ReadonlyArray<Check> = [
    ...(yield* checkFiles(config, report)),
    check,
    ...[validation, test].filter(isCheck),
    ...checkMetrics(
      config,
      report,
      begun?.lost ?? [],
      {
        validation: isCheck(validation) ? undefined : validation,
        test: isCheck(test) ? undefined : test
      },
      model
    ),
    ...(options.data ? yield* withData(config, report, model, stored, begun, options) : [])
  ]
  return { run: folder.path, agrees: checks.every(({ status }) => status !== "differs"), checks }
}, Effect.scoped)
