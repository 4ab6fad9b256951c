import { Context, Effect, Layer, Schema } from "effect"
import type { SampleConfig } from "./DataConfig.ts"

/** The sample catalogue could not be drawn: into which folder, and what failed. */
export class SampleCatalogueError extends Schema.TaggedError<SampleCatalogueError>()("SampleCatalogueError", {
  folder: Schema.String,
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message() {
    return `The sample catalogue could not be drawn into ${this.folder}: ${this.detail}`
  }
}

/** Draws the catalogue that a first run trains on, with `styles.csv` and `images/ID.jpg`. */
export class SampleCatalogue extends Context.Service<
  SampleCatalogue,
  {
    /** The folder of the catalogue; drawn at the first call, found again later. Same configuration, same pixels. */
    readonly draw: (config: SampleConfig) => Effect.Effect<string, SampleCatalogueError>
  }
>()("weft/pipeline/SampleCatalogue") {
  /** A catalogue that is in a folder already, whatever the configuration. */
  static readonly layerAt = (folder: string) => Layer.succeed(SampleCatalogue, { draw: () => Effect.succeed(folder) })
}
