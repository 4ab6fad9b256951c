import { assert, it } from "@effect/vitest"
import type { Block } from "../../src/model/Block.ts"
import { insideOf } from "../../src/model/Block.ts"
import { withMomentum } from "../../src/model/withMomentum.ts"

const norm = (name: string): Block => ({ _tag: "BatchNorm", name, eps: 1e-5, momentum: 0.1 })

const momenta = (blocks: ReadonlyArray<Block>): ReadonlyArray<number> =>
  blocks.flatMap((block) =>
    block._tag === "BatchNorm" ? [block.momentum] : insideOf(block).flatMap((inside) => momenta(inside))
  )

it("changes the batch norms in every block that has blocks inside, and nothing else", () => {
  const blocks: ReadonlyArray<Block> = [
    norm("a"),
    { _tag: "Activation", kind: "relu" },
    { _tag: "Residual", blocks: [norm("b"), { _tag: "Gate", blocks: [norm("c")] }], shortcut: [norm("d")] },
    { _tag: "Residual", blocks: [norm("e")] },
    { _tag: "Heads", heads: [{ blocks: [norm("f")] }, { blocks: [norm("g")] }] }
  ]
  assert.deepStrictEqual(momenta(withMomentum(blocks, 0.25)), [0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25])
  assert.deepStrictEqual(withMomentum(withMomentum(blocks, 0.25), 0.1), blocks)
})
