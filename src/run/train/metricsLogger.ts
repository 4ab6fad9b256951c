import { Effect, Metric } from "effect"
import type { EpochRecord } from "../../metrics/Report.ts"
import type { LoggedRun, RunLogger } from "../RunLogger.ts"

/** The numbers of an epoch as Effect's metrics, which an exporter may send: name, description, value. */
const gauges = [
  ["weft.epoch", "Epochs that are done", ({ epoch }) => epoch],
  ["weft.train.loss", "Mean loss of the last epoch's training, nats", ({ trainLoss }) => trainLoss],
  ["weft.train.accuracy", "Accuracy of the last epoch's training, 0 to 1", ({ trainAccuracy }) => trainAccuracy],
  ["weft.validation.loss", "Loss after the last epoch, nats", ({ validationLoss }) => validationLoss],
  ["weft.validation.accuracy", "Accuracy after the last epoch, 0 to 1", ({ validationAccuracy }) => validationAccuracy],
  ["weft.learning_rate", "Of the last epoch's last step", ({ learningRate }) => learningRate],
  ["weft.images_per_second", "Images trained on a second in the last epoch", ({ imagesPerSecond }) => imagesPerSecond],
  ["weft.waiting", "Share of the last epoch in which the engine waited for images", ({ waiting }) => waiting ?? null]
] as const satisfies ReadonlyArray<readonly [string, string, (record: EpochRecord) => number | null]>

/** Keeps Effect's metrics at a run's last epoch, by its folder and trial. */
export const metricsLogger: RunLogger = ({ folder, trial }: LoggedRun) => {
  const attributes = { run: folder.path, ...(trial !== undefined && { trial }) }
  return Effect.succeed({
    epoch: (history) =>
      Effect.gen(function* () {
        const last = history.at(-1)
        if (last === undefined) return
        for (const [name, description, valueOf] of gauges) {
          const value = valueOf(last)
          if (value !== null) yield* Metric.update(Metric.gauge(name, { description, attributes }), value)
        }
        for (const [column, { accuracy, loss }] of Object.entries(last.validationColumns ?? {})) {
          const own = { ...attributes, column }
          for (const [name, description, value] of [
            ["weft.validation.column.loss", "Loss of a label column after the last epoch, nats", loss],
            ["weft.validation.column.accuracy", "Accuracy of a label column after the last epoch, 0 to 1", accuracy]
          ] as const)
            if (value !== null) yield* Metric.update(Metric.gauge(name, { description, attributes: own }), value)
        }
      }),
    ended: () => Effect.void
  })
}
