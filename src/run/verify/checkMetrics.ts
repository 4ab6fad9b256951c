import { Effect } from "effect"
import type { Report } from "../../metrics/Report.ts"
import { testReport } from "../../metrics/Report.ts"
import { calibrate, metricsOf } from "../../model/measure.ts"
import type { Model } from "../../model/Model.ts"
import { countParameters, parameters } from "../../model/shapes.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { decodePredictions, numbersOf } from "../../model/StoredPredictions.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { readModel } from "../readModel.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Check } from "./Check.ts"
import { cannot, compare, differs } from "./Check.ts"

/** Tolerance of sums that another machine may round differently. */
const rounding = 1e-9

/** Reads the model, and compares it with the report. */
export const checkModel = Effect.fn("verify.model")(function* ({ calibration, data, model, test }: Report) {
  const folder = yield* RunFolder
  const opened = yield* Effect.result(readModel(folder, "model/model.safetensors"))
  if (opened._tag === "Failure") return { check: differs("model", opened.failure.message), model: undefined }
  const { labels, network, calibration: cooling } = opened.success
  const tensors = parameters(network)
  // Runs of Weft 0.1 counted the running statistics too.
  const withBuffers = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const check = compare(
    "model",
    "network, number of parameters, classes and temperature of model.safetensors",
    {
      network: model.network,
      parameters: model.parameters,
      labels: test?.perClass.map(({ label }) => label) ?? labels,
      classes: data.classes,
      temperature: calibration?.temperature
    },
    {
      network: network.name,
      parameters: model.parameters === withBuffers ? withBuffers : countParameters(tensors),
      labels,
      classes: labels.length,
      temperature: cooling?.temperature
    }
  )
  return { check, model: opened.success satisfies Model }
})

/** The stored predictions of a part; a check where there are none that can be used. */
export const readPredictions = Effect.fn("verify.read")(function* (part: "validation" | "test", { receipt }: Report) {
  const folder = yield* RunFolder
  const file = `predictions/${part}.safetensors` as const
  const what = `${part} predictions`
  if (!(yield* folder.has(file)))
    return receipt.files === undefined
      ? cannot(what, "the run was made before Weft kept predictions")
      : differs(what, `${file} is gone`)
  return yield* folder.read(file).pipe(
    Effect.flatMap((bytes) => decodePredictions(bytes, file)),
    Effect.catch((error) => Effect.succeed(differs(what, error.message)))
  )
})

/** Computes the report's metrics again from the stored predictions; `lost` are the samples that left during the run. */
export const checkMetrics = (
  config: RunConfig,
  report: Report,
  lost: ReadonlyArray<Refusal>,
  stored: { readonly validation: StoredPredictions | undefined; readonly test: StoredPredictions | undefined }
): ReadonlyArray<Check> => {
  const checks: Array<Check> = []
  const { calibration, data, history } = report
  const fitted = calibration && { temperature: calibration.temperature, bins: calibration.bins }
  if (stored.test !== undefined) {
    const found = metricsOf(numbersOf(stored.test), fitted)
    checks.push(
      compare(
        "test metrics",
        "loss, accuracy, precision, recall, F1, confusion and calibration from the stored predictions",
        { samples: data.test, test: report.test, calibration: calibration && calibration.test },
        {
          samples: stored.test.samples.length,
          test: testReport(found.evaluation, stored.test.labels, report.test),
          calibration: calibration && (found.calibration ?? null)
        },
        rounding
      )
    )
  }
  if (stored.validation === undefined) return checks
  const validation = numbersOf(stored.validation)
  const samples = { samples: stored.validation.samples.length }
  if (calibration !== undefined && config.calibration !== undefined) {
    const { metrics, temperature } = calibrate(validation, config.calibration)
    checks.push(
      compare(
        "calibration",
        "the temperature fitted again on the stored validation predictions, and its metrics",
        { samples: data.validation, temperature: calibration.temperature, validation: calibration.validation },
        { ...samples, temperature, validation: metrics },
        1e-6
      )
    )
  }
  const chosen = history[report.chosenEpoch - 1]
  // With test-time augmentation, the stored predictions are not those that chose the epoch.
  if (config.evaluate.tta === "none" && chosen !== undefined) {
    const { accuracy, loss } = testReport(metricsOf(validation, undefined).evaluation, stored.validation.labels) ?? {
      accuracy: null,
      loss: null
    }
    const check = compare(
      "validation metrics",
      `loss and accuracy of epoch ${report.chosenEpoch} from the stored validation predictions, to 1e-4`,
      { samples: data.validation, loss: chosen.validationLoss, accuracy: chosen.validationAccuracy },
      { ...samples, loss, accuracy },
      1e-4
    )
    // The epoch was measured on more samples than the stored predictions have.
    const later = lost.filter(({ epoch, part }) => part === "validation" && (epoch ?? 0) >= report.chosenEpoch).length
    checks.push(
      check.status === "differs" && later > 0
        ? cannot(check.what, `${later} of the samples that were measured in epoch ${report.chosenEpoch} left later`)
        : check
    )
  }
  return checks
}
