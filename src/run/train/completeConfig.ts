import { Effect, Option } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { WeightsError } from "../../model/Pretrained.ts"
import { examineBackbone } from "../../model/startBackbone.ts"
import type { TeacherConfig } from "../../model/TeacherConfig.ts"
import { teacherOf } from "../../model/TeacherConfig.ts"
import { readTeachers, viewText } from "../../model/TeacherModel.ts"
import { report } from "../../pipeline/Progress.ts"
import type { RunFolder } from "../RunFolder.ts"
import { savedConfig } from "../savedConfig.ts"
import { resolveConfig } from "./resolveConfig.ts"

/** A configuration with what its ONNX file is, and a note of it. */
const withBackbone = Effect.fnUntraced(function* (config: RunConfig, source: string) {
  const { image, network } = config
  const { alone, facts, layout, output, pool, takesBytes } = yield* examineBackbone(network, source, image)
  const isByte = [image.mean ?? [], image.std ?? []].flat().every((one, i) => one === (i < 3 ? 0 : 1 / 255))
  if (takesBytes && !isByte)
    return yield* new WeightsError({
      source,
      reason: "mismatch",
      detail: "it takes the bytes of an image and normalises them itself: leave `image.mean` and `image.std` out"
    })
  if (network.backbone === undefined)
    yield* report({
      _tag: "Note",
      line:
        `the frozen part is "${output}" of ${source}: ${facts.features} numbers an image (${layout}${pool === "none" ? "" : `, pooled: ${pool}`})` +
        (alone === undefined ? "" : `. Images go through it one by one: ${alone}`)
    })
  return { ...config, network: { ...network, output, pool, layout, backbone: facts } } satisfies RunConfig
})

/** A configuration with what its teachers are; notes say how each sees the student's images. */
const withTeachers = Effect.fnUntraced(function* (config: RunConfig, configured: TeacherConfig) {
  const teacher = teacherOf(configured)
  const read = yield* readTeachers(teacher, config.image)
  if (teacher.digests === undefined)
    yield* Effect.forEach(
      read,
      (one) => report({ _tag: "Note", line: `the teacher ${one.source}: ${viewText(one, config.image)}` }),
      { discard: true }
    )
  const digests = read.map(({ digest }) => digest)
  return { ...config, train: { ...config.train, teacher: { ...teacher, digests } } } satisfies RunConfig
})

/** The configuration that a run began with; undefined where none has, or it cannot be read, which is reported elsewhere. */
const begunConfig = Effect.fnUntraced(function* (folder: RunFolder["Service"]) {
  if (!(yield* folder.has("config.json"))) return undefined
  return Option.getOrUndefined(yield* Effect.option(savedConfig(folder)))
})

/**
 * A run's configuration with everything in it that it depends on: what its weights' file says of the images, what an
 * ONNX file is, which is run for that, and what its teachers are. In the `folder` of a run that has begun, what is kept
 * there of it.
 */
export const completeConfig = Effect.fn("completeConfig")(function* (config: RunConfig, folder?: RunFolder["Service"]) {
  const resolved = yield* resolveConfig(config, folder === undefined ? undefined : yield* begunConfig(folder))
  const { name, weights } = resolved.network
  const complete = name === "onnx" && weights !== undefined ? yield* withBackbone(resolved, weights) : resolved
  const { teacher } = complete.train
  return teacher === undefined ? complete : yield* withTeachers(complete, teacher)
})
