import type { CalibrationFigures } from "./calibration.ts"

/** A mean cross-entropy (nats), and which one it is. */
export interface NamedLoss {
  readonly name: "loss" | "loss, calibrated" | "loss, as trained"
  readonly loss: number | null
}

/**
 * The losses of a part, the one of the model as it is used first: where a temperature was fitted, with it and without it.
 * The losses of the history are without any temperature. `loss` is that of the part's report.
 */
export const namedLosses = (
  loss: number | null,
  calibration: Pick<CalibrationFigures, "lossBefore"> | null | undefined
): ReadonlyArray<NamedLoss> =>
  calibration === null || calibration === undefined
    ? [{ name: "loss", loss }]
    : [
        { name: "loss, calibrated", loss },
        { name: "loss, as trained", loss: calibration.lossBefore }
      ]
