import type * as tf from "@tensorflow/tfjs-core"
import type { MaxPool } from "../../model/Block.ts"
import { window } from "../../model/shapes.ts"
import type { Applied } from "../tfjs/Pass.ts"
import type { Runner } from "./Runner.ts"

type Four = readonly [number, number, number, number]

interface Pooled extends Applied {
  /** Whether the way back looks at the input. */
  readonly needsInput: boolean
}

/** TensorFlow's own pooling: any window. */
const general = (run: Runner, { padding, size, stride }: typeof MaxPool.Type, input: tf.Tensor): Pooled => {
  const attributes = (by: "SAME" | "VALID" | "EXPLICIT") => [
    run.float,
    run.int("ksize", [1, size, size, 1]),
    run.int("strides", [1, stride, stride, 1]),
    run.text("padding", by),
    run.text("data_format", "NHWC")
  ]
  const explicit = typeof padding === "number" && padding > 0
  const attrs = explicit
    ? [...attributes("EXPLICIT"), run.int("explicit_paddings", [0, 0, padding, padding, padding, padding, 0, 0])]
    : attributes(padding === "same" ? "SAME" : "VALID")
  const output = run.one("MaxPool", attrs, input)
  return {
    output,
    needsInput: true,
    backward: (dy, wanted) => (wanted ? run.one("MaxPoolGrad", attrs, input, output, dy) : undefined)
  }
}

/**
 * Windows of 2 x 2 side by side on a processor: TensorFlow's own gradient takes four times as long.
 *
 * The four numbers of each window are four tensors; of equal ones the first gets the gradient, as PyTorch has it.
 */
const quarters = (run: Runner, input: tf.Tensor): Pooled => {
  const [n, height, width, channels] = input.shape as unknown as Four // a pooling's input was checked
  const index = run.type("Index", run.types.int)
  const even: Four = [n, height & ~1, width & ~1, channels]
  const isEven = height === even[1] && width === even[2]
  const cut = isEven ? input : run.one("Slice", [run.float, index], input, run.ints(0, 0, 0, 0), run.ints(...even))
  const blocks = [run.float, run.int("block_size", 2), run.text("data_format", "NHWC")]
  const deep = run.one("SpaceToDepth", blocks, cut)
  const parts = run.many("Split", [run.float, run.int("num_split", 4)], [run.scalarInt(3), deep], 4)
  if (cut !== input) cut.dispose()
  deep.dispose()
  const type = [run.float]
  const [a, b, c, d] = parts as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] // as many as were asked for
  const upper = run.one("Maximum", type, a, b)
  const lower = run.one("Maximum", type, c, d)
  const output = run.one("Maximum", type, upper, lower)
  upper.dispose()
  lower.dispose()
  return {
    output,
    needsInput: false,
    backward: (dy, wanted) => {
      if (!wanted) return undefined
      const gradients: Array<tf.Tensor> = []
      let left = dy
      for (const part of [a, b, c]) {
        const isMost = run.one("Equal", type, part, output)
        const open = run.one("Cast", [run.type("SrcT", run.types.bool), run.type("DstT", run.types.float)], isMost)
        const gradient = run.one("Mul", type, left, open)
        const rest = run.one("Sub", type, left, gradient)
        gradients.push(gradient)
        for (const done of [isMost, open, part]) done.dispose()
        if (left !== dy) left.dispose()
        left = rest
      }
      d.dispose()
      gradients.push(left)
      const joined = run.one(
        "ConcatV2",
        [run.float, run.type("Tidx", run.types.int), run.int("N", 4)],
        ...gradients,
        run.scalarInt(3)
      )
      for (const gradient of gradients) gradient.dispose()
      const spread = run.one("DepthToSpace", blocks, joined)
      joined.dispose()
      if (isEven) return spread
      const around = run.pairs(0, 0, 0, height - even[1], 0, width - even[2], 0, 0)
      const whole = run.one("Pad", [run.float, run.type("Tpaddings", run.types.int)], spread, around)
      spread.dispose()
      return whole
    }
  }
}

/** The largest value of each window; what is padded is smaller than any number. */
export const maxPool = (run: Runner, block: typeof MaxPool.Type, input: tf.Tensor): Pooled => {
  const { padding, size, stride } = block
  const inside = [1, 2].every(
    (axis) => window(input.shape[axis]!, size, stride, padding).output * 2 <= input.shape[axis]!
  )
  return !run.usesGpu && size === 2 && stride === 2 && inside ? quarters(run, input) : general(run, block, input)
}
