import { Effect, Option, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import { canonical } from "../pipeline/canonical.ts"
import { ImageConfig } from "../pipeline/ImageConfig.ts"
import type { PlacedColumn } from "../pipeline/LabelColumn.ts"
import { placedColumns } from "../pipeline/LabelColumn.ts"
import { messageOf } from "../pipeline/messageOf.ts"
import { sha256 } from "../pipeline/sha256.ts"
import { notFinite, weightsFault } from "./faults.ts"
import { Features } from "./Features.ts"
import { weightsDigest } from "./FeatureSpace.ts"
import { modelColumns, modelFacts } from "./Model.ts"
import { blockOf, layoutOf } from "./onnx/backbone.ts"
import { hasValue, readOnnx } from "./onnx/OnnxFile.ts"
import type { Frozen } from "./onnx/onnxModel.ts"
import { Pretrained } from "./Pretrained.ts"
import { inputShape, parameters } from "./shapes.ts"
import type { Teacher } from "./TeacherConfig.ts"
import { sourcesOf } from "./TeacherConfig.ts"

/** A teacher cannot teach a run: what it is, and what to do. Exit code 2. */
export class TeacherError extends Schema.TaggedError<TeacherError>()("TeacherError", {
  /** As `train.teacher` has it. */
  source: Schema.String,
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `The teacher ${JSON.stringify(this.source)} cannot teach this run: ${this.detail}`
  }
}

/** The size of a network's images, and how their numbers are made. */
export type Seen = Pick<ImageConfig, "fit" | "height" | "mean" | "std" | "width">

/** A trained network whose answers a student learns. */
export interface TeacherModel {
  /** As `train.teacher` has it. */
  readonly source: string
  /** The whole network: what it gives are its logits, of all columns. */
  readonly frozen: Frozen
  /** The images that it was trained on. */
  readonly image: Seen
  readonly columns: ReadonlyArray<PlacedColumn>
  /** Whether its columns have names of their own. A model of one column with one value does not. */
  readonly isNamed: boolean
  /** SHA-256 of everything that its answers depend on, in hex. */
  readonly digest: string
}

/** A teacher as it was found. */
type Read = Omit<TeacherModel, "digest" | "source">

const fail = (source: string, detail: string) => Effect.fail(new TeacherError({ source, detail }))

/** The model of a finished run. */
const ofRun = Effect.fnUntraced(function* (source: string) {
  const pretrained = yield* Pretrained
  const { metadata } = yield* pretrained.contents(source)
  const facts = modelFacts(metadata)
  if (Option.isNone(facts))
    return yield* fail(
      source,
      "these are weights without names of classes: name the folder of a finished run, or an ONNX file with logits"
    )
  const { network } = facts.value
  const expected = parameters(network)
  const weights = yield* pretrained.tensors(source, new Set(expected.map(({ name }) => name)))
  const fault = weightsFault(expected, weights) ?? notFinite(weights)[0]
  if (fault !== undefined)
    return yield* fail(
      source,
      `its weights are not those of its network: ${fault}. Train it again, or name another teacher`
    )
  const backbone = network.blocks.some(({ _tag }) => _tag === "Onnx") ? yield* pretrained.graph(source) : undefined
  const frozen: Frozen = { blocks: network.blocks, input: inputShape(network), weights, backbone }
  const { columns, image } = facts.value
  const read: Read = { frozen, image, columns: modelColumns(facts.value), isNamed: columns !== undefined }
  return read
})

const Labels = Schema.fromJsonString(Schema.Array(Schema.String))
const Preprocessing = Schema.fromJsonString(
  Schema.Struct({
    height: Schema.Int,
    width: Schema.Int,
    fit: ImageConfig.fields.fit,
    mean: Schema.Unknown,
    std: Schema.Unknown
  }).pipe(Schema.decodeTo(ImageConfig))
)

/** An ONNX file that gives logits. */
const ofOnnx = Effect.fnUntraced(function* (source: string, config: Teacher, student: ImageConfig) {
  const bytes = yield* Pretrained.use(({ graph }) => graph(source))
  const file = yield* Effect.try({
    try: () => readOnnx(bytes),
    catch: (cause) => new TeacherError({ source, detail: messageOf(cause) })
  })
  const { inputs, metadata, outputs } = file
  const classes =
    config.classes ??
    (yield* Schema.decodeUnknownEffect(Labels)(metadata["labels"]).pipe(
      Effect.catch(() =>
        fail(source, "it does not name its classes: set `train.teacher.classes` to them, in the order of its logits")
      )
    ))
  const names = outputs.map(({ name }) => name)
  const output = config.output ?? (hasValue(file, "logits") ? "logits" : names.length === 1 ? names[0] : undefined)
  if (output === undefined)
    return yield* fail(
      source,
      `it has several outputs (${names.join(", ")}), and none is called logits: set \`train.teacher.output\`, or name the run that it was exported from`
    )
  if (output === "probabilities")
    return yield* fail(
      source,
      "it gives probabilities, and a teacher is asked for logits: export it with --output logits"
    )
  const own = Option.getOrUndefined(Schema.decodeUnknownOption(Preprocessing)(metadata["preprocessing"]))
  const [input] = inputs
  const [, ...axes] = input?.shape ?? []
  const [height, width] = input !== undefined && layoutOf(input) === "NHWC" ? axes : axes.slice(1)
  const sizeOf = (declared: number | string | undefined, other: number) =>
    typeof declared === "number" ? declared : other
  const size = {
    height: sizeOf(height, own?.height ?? student.height),
    width: sizeOf(width, own?.width ?? student.width)
  }
  const found = yield* Features.use(({ examine }) => examine(bytes, { output, ...size })).pipe(
    Effect.mapError((error) => (error.reason === "misfit" ? new TeacherError({ source, detail: error.detail }) : error))
  )
  const { facts, takesBytes } = found
  if (facts.features !== classes.length)
    return yield* fail(
      source,
      `its "${output}" has ${facts.features} numbers an image, and it has ${classes.length} classes: set \`train.teacher.output\` to its logits, or \`train.teacher.classes\` to the class of each number`
    )
  const { mean, std } = own ?? student
  const black: readonly [number, number, number] = [0, 0, 0]
  const byte: readonly [number, number, number] = [1 / 255, 1 / 255, 1 / 255]
  const read: Read = {
    frozen: {
      blocks: [blockOf(facts)],
      input: [size.height, size.width, 3],
      weights: new Map(),
      backbone: found.bytes
    },
    image: {
      ...size,
      fit: own?.fit ?? student.fit,
      ...(takesBytes ? { mean: black, std: byte } : { ...(mean && { mean }), ...(std && { std }) })
    },
    columns: placedColumns([{ name: config.column ?? "label", classes, values: "one" }]),
    isNamed: false
  }
  return read
})

/** Whether images of one size can become those of another without being bent or cropped; a pixel's rounding aside. */
const hasSameShape = (a: Seen, b: Seen): boolean =>
  (a.fit === "fill" && b.fit === "fill") ||
  Math.abs((a.height * b.width) / a.width - b.height) < 1 ||
  Math.abs((b.height * a.width) / b.width - a.height) < 1

const sizeText = ({ height, width }: Pick<Seen, "height" | "width">): string => `${height} x ${width}`

/** How a teacher's images come from the student's, for people. */
export const viewText = ({ image }: Pick<TeacherModel, "image">, student: Seen): string =>
  image.height === student.height && image.width === student.width
    ? `it sees the student's own images, ${sizeText(image)}`
    : `it sees the student's own images, resized from ${sizeText(student)} to ${sizeText(image)}`

/**
 * The teachers of a configuration, read and checked: that each can see what the student sees, and that it is the one that
 * the run began with. `image` is the student's.
 */
export const readTeachers = Effect.fn("readTeachers")(function* (config: Teacher, image: ImageConfig) {
  return yield* Effect.forEach(
    sourcesOf(config),
    Effect.fnUntraced(function* (source, index) {
      const read = source.endsWith(".onnx") ? ofOnnx(source, config, image) : ofRun(source)
      const found = yield* Effect.catchTag(read, "WeightsError", ({ detail }) => fail(source, detail))
      if (!hasSameShape(found.image, image))
        return yield* fail(
          source,
          `it takes images of ${sizeText(found.image)} pixels and the run's are ${sizeText(image)}, another shape, so that the same view would be bent: ` +
            "set `image.height` and `image.width` to a size of the teacher's shape"
        )
      const { blocks, input } = found.frozen
      const { fit, height, mean, std, width } = found.image
      const columns = found.columns.map(({ classes, name, values }) => ({ classes, name, values }))
      const weights = yield* weightsDigest(found.frozen)
      const digest = yield* sha256(
        canonical({ blocks, input, weights, columns, image: { fit, height, mean, std, width } })
      )
      const expected = config.digests?.[index]
      if (expected !== undefined && expected !== digest)
        return yield* fail(
          source,
          "it is another one than the run began with: its weights or its classes have changed since. Put it back as it was, or begin a new run in another folder (--run DIR)"
        )
      return { ...found, source, digest } satisfies TeacherModel
    })
  )
})
