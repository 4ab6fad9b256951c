import { Effect, Option, Schema } from "effect"
import { insideOf } from "../../model/Block.ts"
import { gridIn, gridOf } from "../../model/positions.ts"
import type { Contents, Metadata } from "../../model/Pretrained.ts"
import { Pretrained, WeightsError } from "../../model/Pretrained.ts"
import { modelFacts } from "../../model/Model.ts"
import type { Network } from "../../model/Network.ts"
import { NetworkConfig } from "../../model/NetworkConfig.ts"
import { architectureOf } from "../../model/networks.ts"
import { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { usualKernel } from "../../pipeline/resizeKernel.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunConfig } from "../../config/RunConfig.ts"

/** The settings that the metadata of a weights' file may have. */
const FromWeights = Schema.Struct({
  mean: ImageConfig.fields.mean,
  std: ImageConfig.fields.std,
  kernel: ImageConfig.fields.kernel,
  padding: NetworkConfig.fields.padding
})

/** `0.485, 0.456, 0.406`, in brackets or without: three numbers, one a channel. */
const numbers = (text: string) =>
  text
    .replace(/^\s*\[(.*)\]\s*$/, "$1")
    .split(",")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)))

/**
 * The settings that a configuration leaves open; the padding only where the network has a choice, and the kernel only
 * where the run has not begun.
 */
const openIn = (
  { image, network }: RunConfig,
  begun: RunConfig | undefined
): ReadonlyArray<keyof typeof FromWeights.Type> => [
  ...(["mean", "std"] as const).filter((key) => image[key] === undefined),
  ...(image.kernel === undefined && begun === undefined ? (["kernel"] as const) : []),
  ...(architectureOf(network.name)?.hasPadding === true && network.padding === undefined ? (["padding"] as const) : [])
]

/** Whether any block pads as TensorFlow does. */
const padsSame = (blocks: Network["blocks"]): boolean =>
  blocks.some((block) => ("padding" in block && block.padding === "same") || insideOf(block).some(padsSame))

/** What a run's model says of its preprocessing; nothing where the weights are no run's. */
const ofModel = (metadata: Metadata): Metadata | undefined =>
  Option.getOrUndefined(
    Option.map(modelFacts(metadata), ({ image, network }) => ({
      mean: String(image.mean ?? [0.5, 0.5, 0.5]),
      std: String(image.std ?? [0.5, 0.5, 0.5]),
      kernel: image.kernel ?? usualKernel,
      padding: padsSame(network.blocks) ? "same" : "symmetric"
    }))
  )

/** What is taken, but for the usual kernel: a configuration is the same with it and without any. */
const withoutUsual = ({ kernel, ...rest }: typeof FromWeights.Type): typeof FromWeights.Type =>
  kernel === undefined || kernel === usualKernel ? rest : { ...rest, kernel }

/** The values of some keys in metadata; a WeightsError that names the place where they are wrong. */
const readMetadata = (
  keys: ReadonlyArray<keyof typeof FromWeights.Type>,
  metadata: Metadata,
  source: string,
  where: string
) => {
  const texts = keys.flatMap((key) => (metadata[key] === undefined ? [] : [[key, metadata[key]] as const]))
  const encoded = Object.fromEntries(
    texts.map(([key, text]) => [key, key === "padding" || key === "kernel" ? text : numbers(text)])
  )
  return Schema.decodeUnknownEffect(FromWeights)(encoded).pipe(
    Effect.mapError(
      ({ message }) =>
        new WeightsError({
          source,
          reason: "unreadable",
          detail:
            `the metadata in ${where} is wrong: ${message}. ` +
            "Set `image.mean`, `image.std`, `image.kernel` and `network.padding` in the configuration, which has precedence."
        })
    )
  )
}

const noteTaken = (values: typeof FromWeights.Type, from: string) => {
  const taken = Object.entries(withoutUsual(values)).map(([key, value]) => `${key} ${String(value)}`)
  return taken.length === 0 ? Effect.void : note(`taken from ${from}: ${taken.join("; ")}`)
}

const note = (line: string) => report({ _tag: "Note", line })

/** ImageNet's, with which torchvision and most of timm train. */
const usual = "image.mean = [0.485,0.456,0.406] and image.std = [0.229,0.224,0.225]"

/**
 * The grid of the weights' position embeddings, where it is not that of the images: a note reports that they are
 * resampled. The configuration's own, where it has one.
 */
const foreignPositions = Effect.fnUntraced(function* ({ image, network }: RunConfig, source: string, file: Contents) {
  const own = gridOf(network.name, image)
  if (own === undefined || network.positions !== undefined) return {}
  const found = gridIn(network.name, file, own)
  if (found === undefined) return {}
  if ("positions" in found)
    return yield* new WeightsError({
      source,
      reason: "mismatch",
      detail:
        `they have position embeddings of ${found.positions} patches, which is no square. ` +
        "Set `network.positions` to the rows and columns of patches that the weights were trained on, such as [14, 9]."
    })
  if (found.join() === own.join()) return {}
  yield* note(
    `the weights' position embeddings are resampled from ${found.join(" x ")} to ${own.join(" x ")} patches (bicubic, antialiased), ` +
      `as images are of ${image.height} x ${image.width} pixels`
  )
  return { positions: found }
})

/**
 * A run's configuration; mean, std, kernel and padding that it leaves open come from its weights' file, or else from a
 * file beside that one, and the grid of position embeddings from the file, where it is not that of the images.
 *
 * A note names the values and their source; another one reports that no mean or std was found. Fails with a
 * WeightsError where the weights cannot be loaded, or their metadata are wrong.
 *
 * `begun` is the configuration of a run that has begun: it keeps its kernel. Before there was a choice, all had the usual
 * one.
 */
export const resolveConfig = Effect.fn("resolveConfig")(function* (config: RunConfig, begun?: RunConfig) {
  const { image, network } = config
  const source = network.weights
  if (source === undefined) return config
  const { beside, contents } = yield* Pretrained
  yield* checkKind(network, source)
  const open = openIn(config, begun)
  const file = yield* contents(source)
  const { metadata } = file
  const model = ofModel(metadata)
  const own = yield* readMetadata(open, model ?? metadata, source, "the file")
  yield* noteTaken(own, model === undefined ? "the weights' own file" : "the run whose weights these are")
  const left = open.filter((key) => own[key] === undefined)
  const other = left.length === 0 ? undefined : yield* beside(source)
  const more = other === undefined ? {} : yield* readMetadata(left, other.metadata, source, other.from)
  if (other !== undefined) yield* noteTaken(more, other.from)
  const { padding, ...found } = withoutUsual({ ...more, ...own })
  const scale = begun?.image.kernel === undefined ? found : { ...found, kernel: begun.image.kernel }
  const missing = (["mean", "std"] as const).filter((key) => left.includes(key) && scale[key] === undefined)
  if (missing.length > 0)
    yield* note(
      `the weights' file does not have its ${missing.join(" and ")}: 0.5 is used. ` +
        `Weights that were trained with PyTorch mostly need ${usual}`
    )
  const positions = yield* foreignPositions(config, source, file)
  return {
    ...config,
    image: { ...scale, ...image },
    network: { ...(padding !== undefined && { padding }), ...positions, ...network }
  } satisfies RunConfig
})

/** Fails where the weights are of the other kind than the network takes: tensors, or an ONNX file. */
const checkKind = ({ name }: RunConfig["network"], source: string) => {
  const isGraph = source.endsWith(".onnx")
  const fail = (detail: string) => Effect.fail(new WeightsError({ source, reason: "mismatch", detail }))
  if (isGraph && name !== "onnx")
    return fail(`this is an ONNX file, and ${name} has tensors of its own: set \`network.name\` to "onnx"`)
  // A run's folder is known by what is in it.
  if (source.endsWith(".safetensors") && name === "onnx")
    return fail(
      "the network onnx takes an ONNX file: name one (FILE.onnx), or set `network.name` to whose weights these are"
    )
  return Effect.void
}
