import { Effect, Option, Schema, SchemaGetter } from "effect"
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { Beside, Metadata } from "../../model/Pretrained.ts"
import { ImageConfig } from "../../pipeline/ImageConfig.ts"
import type { ResizeKernel } from "../../pipeline/resizeKernel.ts"
import { note } from "./hubConfig.ts"
import { hubPrefix } from "./HubName.ts"
import { namedBy, placed } from "./hubFile.ts"

/** The file in which a repository of Hugging Face's transformers says how images are prepared. */
const file = "preprocessor_config.json"

/** Source: transformers' `image_processing_utils.py`; what is left out is as there. */
const Preprocessor = Schema.fromJsonString(
  Schema.Struct({
    image_mean: ImageConfig.fields.mean,
    image_std: ImageConfig.fields.std,
    resample: Schema.optionalKey(Schema.Unknown),
    do_normalize: Schema.optionalKey(Schema.Boolean),
    do_rescale: Schema.optionalKey(Schema.Boolean),
    do_center_crop: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
    crop_size: Schema.optionalKey(Schema.Unknown),
    size: Schema.optionalKey(Schema.Unknown)
  })
)

const Side = Schema.Int.check(Schema.isBetween({ minimum: 8, maximum: 2048 }))
const Size = Schema.Union([
  Side.pipe(
    Schema.decodeTo(Schema.Struct({ height: Side, width: Side }), {
      decode: SchemaGetter.transform((side) => ({ height: side, width: side })),
      encode: SchemaGetter.transform(({ height }) => height)
    })
  ),
  Schema.Struct({ height: Side, width: Side })
])

/** The size that images have in the end; unknown where only their shorter side is. */
const sizeOf = ({ crop_size, do_center_crop, size }: typeof Preprocessor.Type): Metadata => {
  const last = do_center_crop !== false && crop_size !== undefined ? crop_size : size
  return Option.match(Schema.decodeUnknownOption(Size)(last), {
    onNone: (): Metadata => ({}),
    onSome: ({ height, width }) => ({ height: String(height), width: String(width) })
  })
}

/** Pillow's numbers for resampling, as far as there is such a kernel. Source: its Image.py (`Resampling`). */
const resampling: ReadonlyMap<unknown, ResizeKernel> = new Map([
  [0, "nearest"],
  [1, "lanczos3"],
  [2, "linear"],
  [3, "cubic"]
])

const kernelOf = ({ resample }: typeof Preprocessor.Type): Metadata => {
  const kernel = resampling.get(resample)
  return kernel === undefined ? {} : { kernel }
}

const metadataOf = (config: typeof Preprocessor.Type): Metadata => ({
  ...sizeOf(config),
  ...scaleOf(config),
  ...kernelOf(config)
})

const scaleOf = ({ do_normalize, do_rescale, image_mean, image_std }: typeof Preprocessor.Type): Metadata => {
  // Numbers from 0 to 255, as they are.
  if (do_rescale === false && do_normalize === false)
    return { mean: "0,0,0", std: Array.from({ length: 3 }, () => 1 / 255).join() }
  if (do_normalize === false) return { mean: "0,0,0", std: "1,1,1" }
  return {
    ...(image_mean !== undefined && { mean: image_mean.join() }),
    ...(image_std !== undefined && { std: image_std.join() })
  }
}

/** The text and the place of the file: of a hub's repository, or in the folder of an ONNX file or the one above. */
const found = Effect.fnUntraced(function* (source: string) {
  if (source.startsWith(hubPrefix)) {
    const hub = { ...(yield* namedBy(source)), file }
    const path = yield* placed(source, hub)
    return { from: `${hub.owner}/${hub.name}@${hub.revision}/${file}`, path, text: yield* textOf(path) }
  }
  for (const folder of [dirname(source), dirname(dirname(source))]) {
    const path = join(folder, file)
    const text = yield* Effect.option(textOf(path))
    if (Option.isSome(text)) return { from: path, path, text: text.value }
  }
  return undefined
})

const textOf = (path: string) => Effect.tryPromise(() => readFile(path, "utf8"))

/**
 * How the images of an ONNX file are prepared, by the `preprocessor_config.json` of its repository or folder. Nothing
 * where there is none; a note where it cannot be read.
 */
export const preprocessorConfig = Effect.fn("preprocessorConfig")(function* (source: string) {
  return yield* found(source).pipe(
    Effect.flatMap((there) =>
      there === undefined
        ? Effect.undefined
        : Schema.decodeUnknownEffect(Preprocessor)(there.text).pipe(
            Effect.map((config): Beside => ({ from: there.from, metadata: metadataOf(config) })),
            Effect.catch(({ message }) =>
              note(`${there.path} does not describe images as transformers' ${file} does, and is left out: ${message}`)
            )
          )
    ),
    Effect.catch((error) =>
      // Repositories of others than transformers mostly have none.
      error._tag === "WeightsError" && error.reason !== "missing"
        ? note(`what ${file} says of the images is not known: ${error.detail}`)
        : Effect.undefined
    )
  )
})
