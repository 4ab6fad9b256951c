import { Effect, Schema } from "effect"
import type { Metadata } from "../model/Pretrained.ts"
import { Pretrained, WeightsError } from "../model/Pretrained.ts"
import { NetworkConfig } from "../model/NetworkConfig.ts"
import { ImageConfig } from "../pipeline/ImageConfig.ts"
import { report } from "../Progress.ts"
import type { RunConfig } from "../RunConfig.ts"

const Said = Schema.Struct({
  mean: ImageConfig.fields.mean,
  std: ImageConfig.fields.std,
  padding: NetworkConfig.fields.padding
})

/** `0.485, 0.456, 0.406`, in brackets or without: three numbers, one a channel. */
const numbers = (text: string) =>
  text
    .replace(/^\s*\[(.*)\]\s*$/, "$1")
    .split(",")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)))

/** What is open in a configuration and said in a file's metadata. */
const openAndSaid = ({ image, network }: RunConfig, metadata: Metadata) => ({
  ...(image.mean === undefined && metadata["mean"] !== undefined && { mean: numbers(metadata["mean"]) }),
  ...(image.std === undefined && metadata["std"] !== undefined && { std: numbers(metadata["std"]) }),
  ...(network.name === "mobilenet-v2" &&
    network.padding === undefined &&
    metadata["padding"] !== undefined && { padding: metadata["padding"] })
})

const note = (line: string) => report({ _tag: "Note", line })

/** ImageNet's, with which torchvision and most of timm train. */
const usual = "image.mean = [0.485,0.456,0.406] and image.std = [0.229,0.224,0.225]"

/**
 * A run's configuration with what its weights' file says of mean, std and padding where the configuration says nothing.
 *
 * A note tells what was taken, and another one where nobody says with which mean and std the weights were trained.
 * Fails with a WeightsError where the weights cannot be had, or say what cannot be.
 */
export const resolveConfig = Effect.fn("resolveConfig")(function* (config: RunConfig) {
  const { image, network } = config
  const source = network.weights
  if (source === undefined) return config
  const { contents } = yield* Pretrained
  const { metadata } = yield* contents(source)
  const said = yield* Schema.decodeUnknownEffect(Said)(openAndSaid(config, metadata)).pipe(
    Effect.mapError(
      ({ message }) =>
        new WeightsError({
          source,
          reason: "unreadable",
          detail:
            `the metadata in the file is wrong: ${message}. ` +
            "Set `image.mean`, `image.std` and `network.padding` in the configuration: they come first."
        })
    )
  )
  const { padding, ...scale } = said
  const taken = Object.entries(said).map(([key, value]) => `${key} ${String(value)}`)
  if (taken.length > 0) yield* note(`taken from the weights' own file: ${taken.join("; ")}`)
  const unsaid = (["mean", "std"] as const).filter((key) => image[key] === undefined && said[key] === undefined)
  if (unsaid.length > 0)
    yield* note(
      `the weights' file does not say its ${unsaid.join(" and ")}: 0.5 is taken. ` +
        `Weights that were trained with PyTorch mostly want ${usual}`
    )
  return {
    ...config,
    image: { ...scale, ...image },
    network: { ...(padding !== undefined && { padding }), ...network }
  } satisfies RunConfig
})
