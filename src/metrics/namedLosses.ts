import type { CalibrationMetrics } from "./calibration.ts"

/** A mean cross-entropy (nats) with its name. */
export interface NamedLoss {
  readonly name: "loss" | "loss, calibrated" | "loss, as trained"
  readonly loss: number | null
}

/**
 * The losses of a part: where a temperature was fitted, with it (as the model is used) and without it (as in the history).
 * `loss` is that of the part's report.
 */
export const namedLosses = (
  loss: number | null,
  calibration: Pick<CalibrationMetrics, "lossBefore"> | null | undefined
): ReadonlyArray<NamedLoss> =>
  calibration === null || calibration === undefined
    ? [{ name: "loss", loss }]
    : [
        { name: "loss, calibrated", loss },
        { name: "loss, as trained", loss: calibration.lossBefore }
      ]
