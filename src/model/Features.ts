import { Context, Schema } from "effect"
import type { Effect, Scope } from "effect"
import * as Runtime from "effect/Runtime"
import { setting } from "../config/Setting.ts"
import type { Backbone, BackboneWishes } from "./onnx/backbone.ts"
import type { Frozen } from "./onnx/onnxModel.ts"
import type { Shape } from "./shapes.ts"

/**
 * Features cannot be had: `unavailable` (the engine cannot run here), `misfit` (blocks, weights or images do not fit
 * together), `outOfMemory`, `failed`.
 */
export class FeaturesError extends Schema.TaggedError<FeaturesError>()("FeaturesError", {
  engine: Schema.String,
  reason: Schema.Literals(["unavailable", "misfit", "outOfMemory", "failed"]),
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** 4 where the engine is unavailable, 1 for all else. */
  override get [Runtime.errorExitCode]() {
    return this.reason === "unavailable" ? 4 : 1
  }
  override get message() {
    return `The frozen part of the network cannot be applied by "${this.engine}": ${this.detail}`
  }
}

/** Engines that apply networks and do not train: the CPU's matrix unit, or onnxruntime. */
export const FeaturesName = Schema.Literals(["amx", "onnxruntime"])
export type FeaturesName = typeof FeaturesName.Type

/** How the frozen part of a network is applied, where a part is frozen for a whole run. */
export const FeaturesConfig = Schema.Struct({
  engine: setting(
    Schema.Literals(["auto", ...FeaturesName.literals, "engine"]),
    "auto",
    "What applies the frozen blocks: `amx`, the matrix unit of newer Intel processors (after `backend:install`), `onnxruntime`, several times as fast on a processor as the `engine` that trains, or that. `auto`: the first that runs here, or the engine where it has a GPU"
  ),
  cache: setting(
    Schema.Boolean,
    true,
    "Keep the frozen blocks' features on disk: later epochs and runs that see the same views of the same images do not compute them again"
  )
})
export type FeaturesConfig = typeof FeaturesConfig.Type

/** The frozen part of a network inside an engine, until its Scope closes. */
export interface OpenFeatures {
  /** The engine's name. */
  readonly engine: string
  /** Of one image's features: image-shaped ones are height, width, channels. */
  readonly shape: Shape
  /** Names what computed them, for a cache: engine, version, precision, processor. Another key may mean other bits. */
  readonly key: string
  /**
   * The features of `size` inputs, row by row. Images are NHWC, normalised; image-shaped features come out as NHWC too.
   */
  readonly run: (images: Float32Array, size: number) => Effect.Effect<Float32Array, FeaturesError>
  /** Calls of `run` that keep it busy: the next is made ready while one is computed. One where left out. */
  readonly calls?: number
}

/** Applies the frozen part of networks: inference mode, no gradients. */
export class Features extends Context.Service<
  Features,
  {
    /** Opens with the named engine, or the quickest that runs here; an engine that cannot run is `unavailable`. */
    readonly open: (frozen: Frozen, by?: FeaturesName) => Effect.Effect<OpenFeatures, FeaturesError, Scope.Scope>
    /**
     * An ONNX file (its bytes) as a frozen part, found out by running it on two images. `misfit` where it cannot be one,
     * with what to set; `unavailable` where nothing here runs such files.
     */
    readonly examine: (file: Uint8Array<ArrayBuffer>, wishes: BackboneWishes) => Effect.Effect<Backbone, FeaturesError>
  }
>()("weft/model/Features") {}

/** The error of an engine that runs no ONNX files. */
export const notExamined = (engine: string) =>
  new FeaturesError({ engine, reason: "unavailable", detail: "it runs no ONNX files; onnxruntime does" })
