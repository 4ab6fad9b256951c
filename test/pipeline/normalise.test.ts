import { assert, it } from "@effect/vitest"
import { normaliseInto, scaleOf } from "../../src/pipeline/normalise.ts"

// torchvision 0.28: normalize(convert_image_dtype(v), mean, std) of the values 0, 1, 100 and 255.
const figures = [
  [-2.1179039478302, -2.1007792949676514, -0.40542858839035034, 2.248908281326294],
  [-2.0357141494750977, -2.018207311630249, -0.28501397371292114, 2.4285714626312256],
  [-1.804444432258606, -1.7870151996612549, -0.061524976044893265, 2.640000104904175]
]

it("normalised values are torchvision's, bit for bit", () => {
  const scale = scaleOf({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
  for (const [channel, expected] of figures.entries())
    assert.deepStrictEqual(
      [0, 1, 100, 255].map((v) => scale[channel * 256 + v]),
      expected
    )
})

it("pixels are written from the offset on, channel by channel, and nothing else is touched", () => {
  const scale = scaleOf({ mean: [0, 0.5, 0], std: [1, 1, 0.5] })
  const out = new Float32Array(9).fill(9)
  normaliseInto(out, 3, Uint8Array.of(255, 255, 255), scale)
  assert.deepStrictEqual([...out], [9, 9, 9, 1, 0.5, 2, 9, 9, 9])
})
