import { Context, Schema } from "effect"
import type { Effect } from "effect"
import type { ImageFault } from "../../pipeline/Images.ts"
import type { Ranked } from "./ColumnValue.ts"

/** An image to classify: its bytes, and the name that messages call it by. */
export interface Photo {
  readonly name: string
  readonly bytes: Uint8Array
}

/**
 * The classes of one label column, the most probable first; calibrated probabilities. In a column with several values each
 * has its threshold, and all that reach theirs are among them.
 */
export interface ColumnAnswer {
  readonly column: string
  readonly top: readonly [Ranked, ...Array<Ranked>]
}

/** What the model says of an image, or why the image is refused. */
export type Classified =
  | { readonly _tag: "Classified"; readonly columns: ReadonlyArray<ColumnAnswer> }
  | { readonly _tag: "Refused"; readonly reason: ImageFault; readonly detail: string }

/** A model that answers. */
export interface ServedModel {
  /** Its name in the registry, and its run's folder. */
  readonly model: string
  readonly run: string
  /** What applies it. */
  readonly engine: string
  readonly columns: readonly [ServedColumn, ...Array<ServedColumn>]
}

/** A label column that a model answers: its classes, each with the samples that the model was trained on. */
export interface ServedColumn {
  readonly column: string
  /** Present where it may have several values in a cell: from which probability on each class applies, in their order. */
  readonly thresholds?: ReadonlyArray<number>
  readonly classes: ReadonlyArray<{ readonly label: string; readonly trained: number }>
}

/** No model is loaded yet. */
export class NoModel extends Schema.TaggedError<NoModel>()("NoModel", {}) {
  override get message() {
    return "no model is loaded yet; try again in some seconds"
  }
}

/** More images wait for the model than may. */
export class TooBusy extends Schema.TaggedError<TooBusy>()("TooBusy", {
  waiting: Schema.Natural,
  most: Schema.Natural
}) {
  override get message() {
    return `${this.waiting} images wait for the model already, and at most ${this.most} may; try again in a second`
  }
}

/** The model cannot be loaded, or fails. */
export class ModelFailed extends Schema.TaggedError<ModelFailed>()("ModelFailed", {
  detail: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return this.detail
  }
}

/**
 * The live model. Images of requests that come within a few milliseconds are one batch. A model that is replaced answers
 * the requests that it has begun.
 */
export class Classifier extends Context.Service<
  Classifier,
  {
    /** The model that answers the next request; null before the first is loaded. */
    readonly live: Effect.Effect<ServedModel | null>
    /** Loads a run's model, and has it answer all further requests; where it fails, the former one goes on. */
    readonly serve: (model: { readonly model: string; readonly run: string }) => Effect.Effect<ServedModel, ModelFailed>
    /**
     * The `top` most probable classes of each image, in the images' order. `behind`: other requests go first, and it is
     * never refused for their number.
     */
    readonly classify: (
      photos: ReadonlyArray<Photo>,
      options: { readonly top: number; readonly behind?: boolean }
    ) => Effect.Effect<
      { readonly by: ServedModel; readonly answers: ReadonlyArray<Classified> },
      NoModel | TooBusy | ModelFailed
    >
    /** Answers of a model that is not live, loaded for this alone: for the gate. */
    readonly classifyBy: (
      model: { readonly model: string; readonly run: string },
      photos: ReadonlyArray<Photo>
    ) => Effect.Effect<ReadonlyArray<Classified>, ModelFailed>
  }
>()("weft/run/serve/Classifier") {}
