import type { Block } from "./Block.ts"

/** Blocks whose batch norms move their running statistics by another share. */
export const withMomentum = (blocks: ReadonlyArray<Block>, momentum: number): ReadonlyArray<Block> =>
  blocks.map((block) => {
    const inside = (blocks: ReadonlyArray<Block>) => withMomentum(blocks, momentum)
    switch (block._tag) {
      case "BatchNorm":
        return { ...block, momentum }
      case "Gate":
        return { ...block, blocks: inside(block.blocks) }
      case "Heads":
        return { ...block, heads: block.heads.map(({ blocks }) => ({ blocks: inside(blocks) })) }
      case "Residual":
        return {
          ...block,
          blocks: inside(block.blocks),
          ...(block.shortcut && { shortcut: inside(block.shortcut) })
        }
      default:
        return block
    }
  })
