import { named } from "./Tensor.ts"
import { Effect } from "effect"
import { canonical } from "../pipeline/canonical.ts"
import type { ImageChanges } from "../pipeline/AugmentConfig.ts"
import type { ImageConfig } from "../pipeline/ImageConfig.ts"
import type { Drawn } from "../pipeline/sampling.ts"
import { sha256 } from "../pipeline/sha256.ts"
import type { Block } from "./Block.ts"
import type { Frozen } from "./onnx/onnxModel.ts"
import { frozenParts } from "./onnx/onnxModel.ts"
import type { Shape } from "./shapes.ts"
import type { Seen } from "./TeacherModel.ts"
import { sizeOf } from "./Tensor.ts"

/** Everything that features depend on beside the sample: a change of any of it gives another space. */
export interface FeatureSource {
  readonly blocks: ReadonlyArray<Block>
  readonly input: Shape
  /** `weightsDigest` of the blocks' tensors. */
  readonly weights: string
  /** What computes the features: `OpenFeatures.key`. */
  readonly engine: string
  readonly image: ImageConfig
  /** What `image` became before it went in, where that differs. */
  readonly seenAs?: Seen
  /** Images as they are, or as an epoch of a run augments each one. */
  readonly view: "plain" | { readonly augment: ImageChanges; readonly seed: number; readonly epoch: number }
  /** Versions of the libraries that decode and augment: a new version may give other bytes. */
  readonly versions: Readonly<Record<string, string>>
}

/** All samples' features from one source. */
export interface FeatureSpace {
  /** SHA-256 of the source, in hex. */
  readonly digest: string
  /** Numbers in one sample's features. */
  readonly length: number
  readonly isPlain: boolean
}

/** SHA-256, in hex, of the names, shapes and bits of the tensors that the blocks own. */
export const weightsDigest = Effect.fn("weightsDigest")(function* (frozen: Frozen) {
  const lines = yield* Effect.forEach(frozenParts(frozen).parameters, ({ name, shape }) => {
    const { buffer, byteLength, byteOffset } = named(frozen.weights, name).data
    // Weights are never in shared memory; only images are.
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
    return Effect.map(sha256(bytes), (digest) => `${name} ${shape.join("x")} ${digest}`)
  })
  return yield* sha256(lines.join("\n"))
})

/** The space of a source's features. */
export const featureSpace = Effect.fn("featureSpace")(function* (source: FeatureSource) {
  const length = sizeOf(frozenParts(source).shape)
  const digest = yield* sha256(canonical({ ...source, length }))
  return { digest, length, isPlain: source.view === "plain" } satisfies FeatureSpace
})

/**
 * A sample's key in a space, 64 hexadecimal digits: its image's SHA-256, and where the view is drawn from them its id, and
 * how often the epoch has had it before.
 */
export const featureKey = (
  space: FeatureSpace,
  { id, image, repeat }: Drawn<{ readonly image: string; readonly id: string }>
) =>
  space.isPlain ? Effect.succeed(image) : sha256(repeat === undefined ? `${image} ${id}` : `${repeat} ${image} ${id}`)
