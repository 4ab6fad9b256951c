import { mapInside } from "./Block.ts"
import type { Block } from "./Block.ts"

/** Blocks whose batch norms move their running statistics by another share. */
export const withMomentum = (blocks: ReadonlyArray<Block>, momentum: number): ReadonlyArray<Block> =>
  blocks.map((block) =>
    block._tag === "BatchNorm" ? { ...block, momentum } : mapInside(block, (inside) => withMomentum(inside, momentum))
  )
