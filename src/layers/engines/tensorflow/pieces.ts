import * as tf from "@tensorflow/tfjs-core"
import type { Block, GlobalAveragePool } from "../../../model/Block.ts"
import type { Piece } from "../tfjs/Device.ts"
import type { Applied, Kernel, Pass } from "../tfjs/Pass.ts"
import { batchNorm } from "./batchNorm.ts"
import { conv2d, dense } from "./convolutions.ts"
import { depthwiseConv2d } from "./depthwise.ts"
import { maxPool, quartered, quarters } from "./maxPool.ts"
import { activation } from "./rectifiers.ts"
import type { Runner } from "./Runner.ts"

/** The mean of each channel over the image. */
const globalAveragePool =
  (run: Runner): Kernel<typeof GlobalAveragePool.Type> =>
  (_block, input) => {
    const [size, height, width, channels] = input.shape as [number, number, number, number] // the shapes were checked
    return {
      output: tf.mean(input, [1, 2]),
      backward: (gradient, wanted) => {
        if (!wanted) return undefined
        const shared = run.reshape(tf.div(gradient, height * width), [size, 1, 1, channels])
        return run.one("BroadcastTo", [run.float, run.type("Tidx", run.types.int)], shared, run.ints(...input.shape))
      }
    }
  }

type Applies = Piece["apply"]

/** One after the other, where nothing else looks at what is between them. */
const chain =
  (first: Applies, second: (input: tf.Tensor, pass: Pass) => Applied): Applies =>
  (input, pass) => {
    const before = first(input, pass)
    const after = second(before.output, pass)
    return {
      output: after.output,
      backward: (gradient, wanted) => {
        const between = after.backward(gradient, true)!
        const dx = before.backward(between, wanted)
        between.dispose()
        return dx
      }
    }
  }

/** The block at a place, if it is of a kind. */
const kindAt = <Tag extends Block["_tag"]>(blocks: ReadonlyArray<Block>, at: number, tag: Tag) => {
  const block = blocks[at]
  return block?._tag === tag ? (block as Extract<Block, { readonly _tag: Tag }>) : undefined // just compared
}

/** The blocks that TensorFlow has single operations for; each takes along what it can do in the same go. */
export const pieces = (run: Runner) => {
  const average = globalAveragePool(run)
  /** A convolution with a batch norm behind it. */
  const normalised = (blocks: ReadonlyArray<Block>, at: number, convolve: Applies): Piece | undefined => {
    const norm = kindAt(blocks, at + 1, "BatchNorm")
    if (norm === undefined) return undefined
    const rectifier = kindAt(blocks, at + 2, "Activation")
    return {
      length: rectifier === undefined ? 2 : 3,
      apply: chain(convolve, (input, pass) => batchNorm(run, norm, rectifier, { input, owned: true }, pass))
    }
  }
  return (blocks: ReadonlyArray<Block>, at: number): Piece | undefined => {
    const block = blocks[at]!
    const rectifier = kindAt(blocks, at + 1, "Activation")
    const length = rectifier === undefined ? 1 : 2
    switch (block._tag) {
      case "Conv2d": {
        const pool = kindAt(blocks, at + length, "MaxPool")
        return (
          normalised(blocks, at, (...rest) => conv2d(run, undefined, undefined)(block, ...rest)) ?? {
            length: pool === undefined ? length : length + 1,
            apply: (...rest) => conv2d(run, rectifier, pool)(block, ...rest)
          }
        )
      }
      case "DepthwiseConv2d":
        return (
          normalised(blocks, at, (...rest) => depthwiseConv2d(run, undefined)(block, ...rest)) ?? {
            length,
            apply: (...rest) => depthwiseConv2d(run, rectifier)(block, ...rest)
          }
        )
      case "Dense":
        return { length, apply: (...rest) => dense(run, rectifier)(block, ...rest) }
      case "BatchNorm":
        return {
          length,
          apply: (input, pass) => batchNorm(run, block, rectifier, { input, owned: false }, pass)
        }
      case "Activation":
        return { length: 1, apply: (...rest) => activation(run)(block, ...rest) }
      case "MaxPool":
        return {
          length: 1,
          apply: (input) => {
            if (!quarters(run, block, input)) return maxPool(run, block, input)
            const { backward, output } = quartered(run, input, undefined, undefined)
            return { output, backward: (dy, wanted) => (wanted ? backward(dy).gradient : undefined) }
          }
        }
      case "GlobalAveragePool":
        return { length: 1, apply: (...rest) => average(block, ...rest) }
      default:
        return undefined
    }
  }
}
