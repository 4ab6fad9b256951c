import { Effect } from "effect"
import { lossWeightsOf } from "../../model/lossSettings.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { ColumnCalibration, Report, TestReport } from "../../metrics/Report.ts"
import * as Columns from "../../metrics/columns.ts"
import { evenThreshold } from "../../metrics/multilabel.ts"
import type { FittedColumn } from "../../model/measureColumns.ts"
import { fitColumns, measureColumns } from "../../model/measureColumns.ts"
import type { Model } from "../../model/Model.ts"
import { countParameters, parameters } from "../../model/shapes.ts"
import { unseenPairs } from "../../model/unseenPairs.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { columnsOf, decodePredictions, labelsOfColumn } from "../../model/StoredPredictions.ts"
import { sizeOf } from "../../model/Tensor.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { readModel } from "../readModel.ts"
import { RunFolder } from "../RunFolder.ts"
import type { Check } from "./Check.ts"
import { cannot, compare, differs } from "./Check.ts"

/** Tolerance of sums that another machine may round differently. */
const rounding = 1e-9

/** What a report has of a label column: the first one's is in the place that a run of one column has. */
const ofColumn = <A extends object>(
  whole: (A & { readonly columns?: Readonly<Record<string, A>> }) | null | undefined,
  name: string,
  index: number
): A | undefined => whole?.columns?.[name] ?? (index === 0 ? (whole ?? undefined) : undefined)

const thresholdsOf = (test: TestReport | undefined): ReadonlyArray<number> | undefined => {
  const thresholds = test?.perClass.flatMap(({ threshold }) => (threshold === undefined ? [] : [threshold])) ?? []
  return thresholds.length === 0 ? undefined : thresholds
}

/** Reads the model, and compares it with the report. */
export const checkModel = Effect.fn("verify.model")(function* ({ calibration, data, model, test }: Report) {
  const folder = yield* RunFolder
  const opened = yield* Effect.result(readModel(folder, "model/model.safetensors"))
  if (opened._tag === "Failure") return { check: differs("model", opened.failure.message), model: undefined }
  const { labels, network, calibration: cooling } = opened.success
  const { columns } = data
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
      temperature: calibration?.temperature,
      ...(columns && {
        columns: columns.map(({ name }, k) => {
          const own = ofColumn<TestReport>(test, name, k)
          return {
            name,
            labels: own?.perClass.map(({ label }) => label),
            thresholds: thresholdsOf(own),
            temperature: ofColumn<ColumnCalibration>(calibration, name, k)?.temperature
          }
        })
      })
    },
    {
      network: network.name,
      parameters: model.parameters === withBuffers ? withBuffers : countParameters(tensors),
      labels,
      classes: labels.length,
      temperature: cooling?.temperature,
      ...(columns && {
        columns: (opened.success.columns ?? []).map(({ classes, name, temperature, thresholds }) => ({
          name,
          labels: test === null ? undefined : classes,
          thresholds: test === null ? undefined : thresholds,
          temperature
        }))
      })
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

type Cooling = NonNullable<Report["calibration"]>

/** What is fitted on the validation part, by column. */
const coolings = (columns: NonNullable<Cooling["columns"]>) =>
  Object.fromEntries(
    Object.entries(columns).map(([name, { temperature, validation }]) => [name, { temperature, validation }])
  )

/** The temperatures and thresholds that a report has, as if they had been fitted. */
const fittedOf = ({ calibration, test }: Report, stored: StoredPredictions | undefined): ReadonlyArray<FittedColumn> =>
  stored === undefined
    ? []
    : columnsOf(stored).map(({ name, values }, k) => {
        const cooling = ofColumn<ColumnCalibration>(calibration, name, k)
        const own = ofColumn<TestReport>(test, name, k)
        return {
          name,
          fitted: calibration &&
            cooling && { temperature: cooling.temperature, bins: calibration.bins, metrics: cooling.validation },
          thresholds: values === "one" ? undefined : own?.perClass.map(({ threshold = evenThreshold }) => threshold)
        }
      })

/** Computes the report's metrics again from the stored predictions; `lost` are the samples that left during the run. */
export const checkMetrics = (
  config: RunConfig,
  report: Report,
  lost: ReadonlyArray<Refusal>,
  stored: { readonly validation: StoredPredictions | undefined; readonly test: StoredPredictions | undefined },
  model: Model | undefined
): ReadonlyArray<Check> => {
  const checks: Array<Check> = []
  const { calibration, data, history } = report
  // The recorded temperatures and thresholds: what is fitted again is compared on its own.
  const recorded = fittedOf(report, stored.test ?? stored.validation)
  if (stored.test !== undefined) {
    const found = measureColumns(stored.test, recorded, report.test)
    // Without the model it is not known which values occurred together.
    const pairs = stored.test.samples.length > 0 ? model?.seenTogether : undefined
    const cooling = ({ columns, test }: NonNullable<Report["calibration"]>) => ({
      test,
      ...(columns && { columns: Object.entries(columns).map(([name, { test }]) => ({ name, test })) })
    })
    checks.push(
      compare(
        "test metrics",
        "loss, accuracy, precision, recall, F1, confusion and calibration from the stored predictions",
        {
          samples: data.test,
          test: report.test,
          calibration: calibration && cooling(calibration),
          unseenPairs: model && report.unseenPairs
        },
        {
          samples: stored.test.samples.length,
          test: found.test,
          calibration: found.calibration && cooling(found.calibration),
          unseenPairs: pairs && unseenPairs(stored.test, pairs)
        },
        rounding
      )
    )
  }
  if (stored.validation === undefined) return checks
  const { validation } = stored
  const samples = { samples: validation.samples.length }
  const again = fitColumns(validation, calibration && config.calibration)
  if (calibration !== undefined && config.calibration !== undefined) {
    const [first] = again
    checks.push(
      compare(
        "calibration",
        "the temperature fitted again on the stored validation predictions, and its metrics",
        {
          samples: data.validation,
          temperature: calibration.temperature,
          validation: calibration.validation,
          ...(calibration.columns && { columns: coolings(calibration.columns) })
        },
        {
          ...samples,
          temperature: first?.fitted?.temperature,
          validation: first?.fitted?.metrics,
          ...(calibration.columns && {
            columns: Object.fromEntries(
              again.map(({ fitted, name }) => [name, { temperature: fitted?.temperature, validation: fitted?.metrics }])
            )
          })
        },
        1e-6
      )
    )
  }
  const thresholds = again.filter(({ thresholds }) => thresholds !== undefined)
  if (report.test !== null && thresholds.length > 0)
    checks.push(
      compare(
        "thresholds",
        "from which probability on each class of a column with several values applies, chosen again on the stored validation predictions",
        recorded.flatMap(({ name, thresholds }) => (thresholds === undefined ? [] : [{ name, thresholds }])),
        thresholds.map(({ name, thresholds }) => ({ name, thresholds })),
        1e-6
      )
    )
  const chosen = history[report.chosenEpoch - 1]
  // With test-time augmentation, the stored predictions are not those that chose the epoch.
  if (config.evaluate.tta === "none" && chosen !== undefined) {
    const columns = columnsOf(validation)
    const evaluation = Columns.add(
      Columns.empty(columns),
      columns,
      validation.logits,
      columns.map(({ index }) => labelsOfColumn(validation, index))
    )
    const own = Columns.byColumn(columns, evaluation)
    const check = compare(
      "validation metrics",
      `loss and accuracy of epoch ${report.chosenEpoch} from the stored validation predictions, to 1e-4`,
      {
        samples: data.validation,
        loss: chosen.validationLoss,
        accuracy: chosen.validationAccuracy,
        columns: chosen.validationColumns
      },
      {
        ...samples,
        loss: Columns.lossOf(evaluation, lossWeightsOf(labelColumnsOf(config.data))),
        accuracy: Columns.accuracyOf(evaluation),
        columns: own
      },
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
