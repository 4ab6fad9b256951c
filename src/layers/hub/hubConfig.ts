import { Effect, Schema } from "effect"
import { open } from "node:fs/promises"
import type { Beside, Metadata } from "../../model/Pretrained.ts"
import { ImageConfig } from "../../pipeline/ImageConfig.ts"
import { report } from "../../pipeline/Progress.ts"
import { kernelNamed } from "../../pipeline/resizeKernel.ts"
import { namedBy, placed } from "./hubFile.ts"
import { messageOf } from "../../pipeline/messageOf.ts"

/** The file in which a timm repository says how its weights were trained, at the repository's root. */
const file = "config.json"

/** timm's files have some hundred bytes, or some hundred thousand with the names of the classes. */
const mostBytes = 1 << 22

/**
 * What is read of a timm repository's `config.json`; mean and std are those of images scaled to 0..1.
 *
 * Source: timm's `models/_hub.py` (`_parse_model_cfg`, and before it `pretrained_cfg` was the whole file).
 */
const TimmConfig = Schema.fromJsonString(
  Schema.Struct({
    architecture: Schema.String,
    model_args: Schema.optionalKey(
      Schema.Struct({ pad_type: Schema.optionalKey(Schema.NullOr(Schema.Literals(["", "same"]))) })
    ),
    pretrained_cfg: Schema.Struct({
      mean: ImageConfig.fields.mean,
      std: ImageConfig.fields.std,
      interpolation: Schema.optionalKey(Schema.Unknown)
    })
  })
)

/** timm's `tf_` networks are ported from TensorFlow: they pad as it does, unless built otherwise. */
const isSame = ({ architecture, model_args }: typeof TimmConfig.Type): boolean =>
  model_args?.pad_type === undefined ? architecture.startsWith("tf_") : model_args.pad_type === "same"

const metadataOf = (config: typeof TimmConfig.Type): Metadata => {
  const { interpolation, mean, std } = config.pretrained_cfg
  const kernel = kernelNamed(interpolation)
  return {
    ...(mean !== undefined && { mean: mean.join() }),
    ...(std !== undefined && { std: std.join() }),
    ...(kernel !== undefined && { kernel }),
    padding: isSame(config) ? "same" : "symmetric"
  }
}

/** A file's text; fails where it is far too long for a description. */
const textOf = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      await using handle = await open(path)
      const { size } = await handle.stat()
      if (size > mostBytes) throw new Error(`it has ${size} bytes, more than any that describes weights`)
      return await handle.readFile("utf8")
    },
    catch: messageOf
  })

/**
 * How a timm repository's weights were trained, by its `config.json` of the same revision, which is fetched as the
 * weights are.
 *
 * Nothing where there is none. Where it cannot be fetched or read, a note gives the reason: the weights can be used
 * without it.
 */
export const hubConfig = Effect.fn("hubConfig")(
  function* (source: string) {
    const hub = { ...(yield* namedBy(source)), file }
    const path = yield* placed(source, hub)
    const from = `${hub.owner}/${hub.name}@${hub.revision}/${file}`
    return yield* Effect.flatMap(textOf(path), (text) =>
      Effect.mapError(Schema.decodeUnknownEffect(TimmConfig)(text), ({ message }) => message)
    ).pipe(
      Effect.map((config): Beside => ({ from, metadata: metadataOf(config) })),
      Effect.catch((detail) =>
        note(`${path} does not describe weights as timm's ${file} does, and is left out: ${detail}`)
      )
    )
  },
  Effect.catchTag("WeightsError", ({ detail, reason }) =>
    // Repositories of others than timm mostly have none.
    reason === "missing" ? Effect.undefined : note(`what ${file} says of the weights is not known: ${detail}`)
  )
)

/** Reports a line, and is nothing. */
export const note = (line: string) => Effect.as(report({ _tag: "Note", line }), undefined)
