import { Effect, Schema } from "effect"
import { Pretrained, WeightsError } from "../model/Pretrained.ts"
import { NetworkConfig } from "../model/NetworkConfig.ts"
import { ImageConfig } from "../pipeline/ImageConfig.ts"
import type { RunConfig } from "../RunConfig.ts"

/** What a file of weights says of the images that it was trained on: `mean = "0.5,0.5,0.5"`. */
const Said = Schema.Struct({
  mean: Schema.optionalKey(Schema.String),
  std: Schema.optionalKey(Schema.String),
  padding: Schema.optionalKey(Schema.String)
})

const numbers = (text: string | undefined) => text?.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)))

const Triples = Schema.Struct({
  mean: ImageConfig.fields.mean,
  std: ImageConfig.fields.std,
  padding: NetworkConfig.fields.padding
})

/** A run's configuration with what its weights' file says where the configuration says nothing. */
export const resolveConfig = Effect.fn("resolveConfig")(function* (config: RunConfig) {
  const { image, network } = config
  const source = network.weights
  if (source === undefined) return config
  const said = yield* Effect.flatMap(Pretrained, ({ metadata }) => metadata(source)).pipe(
    Effect.flatMap((metadata) => Effect.orDie(Schema.decodeEffect(Said)(metadata))),
    Effect.map(({ mean, padding, std }) => ({
      ...(mean !== undefined && { mean: numbers(mean) }),
      ...(std !== undefined && { std: numbers(std) }),
      ...(padding !== undefined && { padding })
    })),
    Effect.flatMap((raw) =>
      Effect.mapError(
        Schema.decodeUnknownEffect(Triples)(raw),
        (error) => new WeightsError({ source, reason: "unreadable", detail: `its metadata is wrong: ${error.message}` })
      )
    )
  )
  const { padding, ...scale } = said
  return {
    ...config,
    image: { ...scale, ...image },
    network: { ...(padding !== undefined && { padding }), ...network }
  } satisfies RunConfig
})
