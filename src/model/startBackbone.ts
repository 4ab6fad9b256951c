import { Effect } from "effect"
import { messageOf } from "../pipeline/messageOf.ts"
import { sha256 } from "../pipeline/sha256.ts"
import type { ImageConfig } from "../pipeline/ImageConfig.ts"
import { Features } from "./Features.ts"
import type { NetworkConfig } from "./NetworkConfig.ts"
import { backboneModel, planBackbone } from "./onnx/backbone.ts"
import type { Backbone } from "./onnx/backbone.ts"
import { readOnnx } from "./onnx/OnnxFile.ts"
import { Pretrained, WeightsError } from "./Pretrained.ts"

type Size = Pick<ImageConfig, "height" | "width">

const changed = (source: string) =>
  new WeightsError({
    source,
    reason: "mismatch",
    detail:
      "it is another file than `network.backbone.sha256` names: it was replaced since, or `network.output`, `pool` or " +
      "`layout` are others. Put the file back, or train a new run without `network.backbone`"
  })

/**
 * The ONNX file of a configuration, examined: run on two images. Fails with a WeightsError that says what to set, or with
 * a FeaturesError where nothing here runs such files.
 */
export const examineBackbone = Effect.fn("examineBackbone")(function* (
  network: NetworkConfig,
  source: string,
  { height, width }: Size
) {
  const bytes = yield* Pretrained.use(({ graph }) => graph(source))
  const { layout, output, pool } = network
  const found: Backbone = yield* Features.use(({ examine }) =>
    examine(bytes, { layout, output, pool, height, width })
  ).pipe(
    Effect.mapError((error) =>
      error.reason === "misfit" ? new WeightsError({ source, reason: "mismatch", detail: error.detail }) : error
    )
  )
  const expected = network.backbone?.sha256
  if (expected !== undefined && expected !== found.facts.sha256) return yield* changed(source)
  return found
})

/** The bytes of the ONNX file that a complete configuration begins with; undefined for all networks but `onnx`. */
export const startBackbone = Effect.fn("startBackbone")(function* (network: NetworkConfig, size: Size) {
  const { backbone, name, pool = "none", weights: source } = network
  if (name !== "onnx" || backbone === undefined || source === undefined) return undefined
  const { graph } = yield* Pretrained
  const bytes = yield* graph(source)
  const model = yield* Effect.try({
    try: () => {
      const file = readOnnx(bytes)
      const plan = planBackbone(file, { ...network, ...size })
      return backboneModel(file, { ...plan, batch: backbone.batch ?? null }, { ...backbone, pool })
    },
    catch: (cause) => new WeightsError({ source, reason: "mismatch", detail: messageOf(cause) })
  })
  if ((yield* sha256(model)) !== backbone.sha256) return yield* changed(source)
  return model
})
