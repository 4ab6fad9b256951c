import { Effect } from "effect"
import type { RunConfig } from "../../config/RunConfig.ts"
import { WeightsError } from "../../model/Pretrained.ts"
import { examineBackbone } from "../../model/startBackbone.ts"
import { report } from "../../pipeline/Progress.ts"
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

/**
 * A run's configuration with everything in it that it depends on: what its weights' file says of the images, and what an
 * ONNX file is, which is run for that.
 */
export const completeConfig = Effect.fn("completeConfig")(function* (config: RunConfig) {
  const resolved = yield* resolveConfig(config)
  const { name, weights } = resolved.network
  return name === "onnx" && weights !== undefined ? yield* withBackbone(resolved, weights) : resolved
})
