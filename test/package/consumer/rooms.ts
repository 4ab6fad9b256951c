/** Every public module is imported, so that the types of each are checked. */
import * as weft from "weft-ml"
import * as config from "weft-ml/config"
import * as engines from "weft-ml/engines"
import * as layers from "weft-ml/layers"
import * as metrics from "weft-ml/metrics"
import * as model from "weft-ml/model"
import * as pipeline from "weft-ml/pipeline"
import type { ProgressEvent } from "weft-ml/pipeline"
import * as run from "weft-ml/run"

export const rooms = [weft, config, engines, layers, metrics, model, pipeline, run]

/** The events of a training are among those of the pipeline. */
export const isEpoch = (event: ProgressEvent): boolean => event._tag === "Epoch" && event.record.epoch > 0

// @ts-expect-error The inside of the package is closed.
export type Inside = typeof import("weft-ml/dist/Live.js")
