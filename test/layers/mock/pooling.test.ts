import { describe, it } from "@effect/vitest"
import { maxPool } from "../../../src/layers/mock/pooling.ts"
import type { Pass } from "../../../src/layers/mock/Pass.ts"
import { assertSame, poolingCases } from "../../model/engineContract/windows.ts"

const pass: Pass = {
  training: true,
  batchFigures: false,
  weights: new Map(),
  gradients: new Map(),
  mask: (_, length) => new Float32Array(length)
}

describe("the mock engine's max pooling", () => {
  for (const { block, input, inputGradient, output, outputGradient, shape, title } of poolingCases)
    it(`gives what PyTorch gives, and its gradient, with NaN and infinities: ${title}`, () => {
      const pooled = maxPool(block, { shape, data: input }, pass)
      assertSame(pooled.output.data, output, "output")
      assertSame(pooled.backward(outputGradient), inputGradient, "gradient")
    })
})
