import { Option, Schema } from "effect"
import { intBetween } from "../config/Setting.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { resizeImages } from "../pipeline/resizeImages.ts"
import type { NetworkOptions } from "./Architecture.ts"
import { modelFacts } from "./Model.ts"
import { architectureOf } from "./networks.ts"
import type { Contents } from "./Pretrained.ts"
import type { Tensor } from "./Tensor.ts"

const Side = intBetween(1, 128)

/** The patches of an image: how many below each other, and beside each other. */
export const Grid = Schema.Tuple([Side, Side])
export type Grid = typeof Grid.Type

const isSame = (one: Grid, other: Grid): boolean => one[0] === other[0] && one[1] === other[1]

/** A network's grid at a size of its images; undefined where it has no position embeddings, or the size does not fit. */
export const gridOf = (
  network: string,
  { height, width }: Pick<NetworkOptions, "height" | "width">
): Grid | undefined => {
  const patch = architectureOf(network)?.positions?.patch
  if (patch === undefined || height % patch !== 0 || width % patch !== 0) return undefined
  return [height / patch, width / patch]
}

/** The name of a network's position embeddings; undefined where it has none. */
export const positionsOf = (network: string): string | undefined => architectureOf(network)?.positions?.name

/** Whether the tensor of a grid has a number of rows: one for each patch, and the first one for the class token. */
export const isOfGrid = ([rows, columns]: Grid, length: number | undefined): boolean => length === rows * columns + 1

/**
 * The grid of the position embeddings in a file: that of the run whose model it is; otherwise a square, which nearly all
 * are trained on; or that of the network's own, where it has as many. Undefined where the file has none; an odd length
 * where nothing says which grid they are of.
 */
export const gridIn = (
  network: string,
  { metadata, shapes }: Contents,
  own: Grid
): Grid | { readonly positions: number } | undefined => {
  const facts = Option.getOrUndefined(modelFacts(metadata))
  if (facts !== undefined) return gridOf(facts.network.name, facts.network)
  const architecture = architectureOf(network)
  const found = [...shapes].find(
    ([name]) => (architecture?.timm?.toOurs(name) ?? name) === architecture?.positions?.name
  )
  if (found === undefined) return undefined
  const positions = elementAt(found[1], 1) - 1
  const side = Math.sqrt(positions)
  if (Number.isInteger(side) && side > 0) return [side, side]
  return isOfGrid(own, positions + 1) ? own : { positions }
}

/**
 * Position embeddings (1, 1 + patches, channels) for another grid: bicubic, antialiased where it becomes smaller. The
 * class token's row stays as it is.
 *
 * Source: timm's `resample_abs_pos_embed` (layers/pos_embed.py).
 */
export const resamplePositions = ({ data, shape }: Tensor, from: Grid, to: Grid): Tensor => {
  if (isSame(from, to)) return { data, shape }
  const channels = elementAt(shape, 2)
  const size = ([height, width]: Grid) => ({ height, width })
  const patches = resizeImages(data.subarray(channels), 1, size(from), size(to), channels)
  const resampled = new Float32Array(channels + patches.length)
  resampled.set(data.subarray(0, channels))
  resampled.set(patches, channels)
  return { shape: [1, 1 + to[0] * to[1], channels], data: resampled }
}
