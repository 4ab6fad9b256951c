import { Context, Effect, Layer } from "effect"

/** A training photo that looks, to the live model, like another. */
export interface NearPhoto {
  readonly digest: string
  readonly name: string
  /** Cosine of the two feature vectors' angle, from -1 to 1. */
  readonly similarity: number
}

/**
 * The training photos that are near a photo at the desk, whichever model is live: `Neighbours` of the live model's run.
 * Its features are computed in the background, and nothing is near until they are there.
 */
export class NearPhotos extends Context.Service<
  NearPhotos,
  {
    /** Computes the features of the live model's training photos, and anew after each promotion. It never ends. */
    readonly follow: Effect.Effect<never>
    /**
     * The nearest training photos of some classes of a label column, each class's nearest first; without the photo itself,
     * and without classes that have no photo.
     */
    readonly nearest: (
      digest: string,
      column: string,
      labels: ReadonlyArray<string>,
      count: number
    ) => Effect.Effect<ReadonlyArray<{ readonly label: string; readonly images: ReadonlyArray<NearPhoto> }>>
  }
>()("weft/run/serve/NearPhotos") {
  /** Where features are not kept: nothing is near. */
  static readonly layerNone = Layer.succeed(NearPhotos, { follow: Effect.never, nearest: () => Effect.succeed([]) })
}
