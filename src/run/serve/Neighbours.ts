import { Context, Effect, Layer } from "effect"

/** A training photo that looks, to the live model, like another. */
export interface Neighbour {
  readonly digest: string
  readonly name: string
  /** Cosine of the two feature vectors' angle, from -1 to 1. */
  readonly similarity: number
}

/** Finds training photos by the live model's features. */
export class Neighbours extends Context.Service<
  Neighbours,
  {
    /** The nearest training photos of some classes, each class's nearest first; none while they are not known yet. */
    readonly nearest: (
      photo: { readonly digest: string; readonly bytes: Uint8Array },
      column: string,
      labels: ReadonlyArray<string>,
      count: number
    ) => Effect.Effect<ReadonlyArray<{ readonly label: string; readonly images: ReadonlyArray<Neighbour> }>>
  }
>()("weft/run/serve/Neighbours") {
  /** Where features are not kept: nothing is near. */
  static readonly layerNone = Layer.succeed(Neighbours, { nearest: () => Effect.succeed([]) })
}
