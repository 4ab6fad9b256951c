import type * as tf from "@tensorflow/tfjs-core"
import { isClamp } from "../../../model/Block.ts"
import type { Block, Conv2d, DepthwiseConv2d } from "../../../model/Block.ts"
import { summed } from "../tfjs/fusedAt.ts"
import type { Applied, Fused, FusedAt, Pass } from "../tfjs/Pass.ts"
import { inputGradient } from "../tfjs/Pass.ts"
import { activation, isOwnActivation } from "./activation.ts"
import { attention } from "./attention.ts"
import { batchNorm } from "./batchNorm.ts"
import { endsTogether, normalisedEnd, normalisedResidual } from "./batchNormAdd.ts"
import { batchNormDepthwise, isTogether } from "./batchNormDepthwise.ts"
import type { Convolved } from "./conv2d.ts"
import { conv2d } from "./conv2d.ts"
import { dense } from "./dense.ts"
import { depthwiseConv2d } from "./depthwiseConv2d.ts"
import { expandDepthwise, isExpansion } from "./expandDepthwise.ts"
import { fold, folded, isFolded, noGradient } from "./inference.ts"
import { gate } from "./gate.ts"
import { globalAveragePool } from "./globalAveragePool.ts"
import { layerNorm } from "./layerNorm.ts"
import { mlp, mlpOf } from "./mlp.ts"
import { maxPool, quartered, quarters } from "./maxPool.ts"
import { channelSums } from "./channelSums.ts"
import { residual } from "./residual.ts"
import type { Runner } from "./Runner.ts"

type Applies = Fused["apply"]

/** One after the other, where nothing else looks at what is between them. */
const chain =
  (first: Applies, second: (input: tf.Tensor, pass: Pass) => Applied): Applies =>
  (input, pass) => {
    const before = first(input, pass)
    const after = second(before.output, pass)
    return {
      output: after.output,
      backward: (gradient, wanted) => {
        const between = inputGradient(after, gradient)
        const dx = before.backward(between, wanted)
        between.dispose()
        return dx
      }
    }
  }

/** A block, if there is one and it is of a kind. */
const ofKind = <Tag extends Block["_tag"]>(block: Block | undefined, tag: Tag) =>
  block?._tag === tag ? (block as Extract<Block, { readonly _tag: Tag }>) : undefined // just compared

/** An activation that TensorFlow's operations can apply to what they give. */
const clampOf = (block: Block | undefined) => (isClamp(block) ? block : undefined)

/** An activation that Weft's own operations can apply to what they give. */
const ownActivationOf = (block: Block | undefined) => (isOwnActivation(block) ? block : undefined)

/**
 * Every block, by single operations of TensorFlow where it has them; each with what follows it where one operation does
 * both.
 */
export const fusedWith = (run: Runner): FusedAt => {
  const average = globalAveragePool(run)
  /** A convolution with a batch norm behind it, and with the depthwise convolution that follows. */
  const normalised = (
    block: typeof Conv2d.Type | typeof DepthwiseConv2d.Type,
    following: ReadonlyArray<Block>,
    convolve: (input: tf.Tensor, pass: Pass) => Convolved
  ): Fused | undefined => {
    const norm = ofKind(following[0], "BatchNorm")
    if (norm === undefined) return undefined
    const next = ownActivationOf(following[1])
    const length = next === undefined ? 2 : 3
    /** The batch norm alone, of what the convolution made. */
    const normalise =
      ({ statistics }: Convolved): Applies =>
      (input, pass) =>
        batchNorm(run, norm, next, { input, owned: true, statistics }, pass)
    const both: Applies = (input, pass) => {
      const convolved = convolve(input, pass)
      return chain(() => convolved, normalise(convolved))(input, pass)
    }
    const alone: Applies = (input, pass) =>
      isFolded(run, block, pass) ? folded(run, block, norm, next, input, pass) : both(input, pass)
    const depthwise = ofKind(following[length - 1], "DepthwiseConv2d")
    if (depthwise === undefined) return { length, apply: alone }
    const rest = following.slice(length)
    /** What follows the depthwise convolution, given what computes it. */
    const ending = (slide: Applies): Fused => normalised(depthwise, rest, slide) ?? { length: 1, apply: slide }
    const apart = ending((...args) => depthwiseConv2d(run, undefined)(depthwise, ...args))
    const lastNorm = ofKind(rest[0], "BatchNorm")
    const last = ownActivationOf(rest[1])
    /** In inference, both convolutions with all that belongs to them; undefined where they cannot be one. */
    const expanded = (input: tf.Tensor, pass: Pass): Applied | undefined => {
      // Another depthwise convolution may follow, which `apart` takes in.
      const isLast = apart.length === (last === undefined ? 2 : 3)
      if (lastNorm === undefined || !isLast || !isFolded(run, depthwise, pass)) return undefined
      if (!isExpansion(run, block, depthwise, input)) return undefined
      const expansion = { ...fold(run, block, norm, pass), activation: next }
      const sliding = { ...fold(run, depthwise, lastNorm, pass), activation: last }
      return { output: expandDepthwise(run, expansion, depthwise, sliding, input), backward: noGradient }
    }
    return {
      length: length + apart.length,
      apply: (input, pass) => {
        if (isFolded(run, block, pass)) return expanded(input, pass) ?? chain(alone, apart.apply)(input, pass)
        const convolved = convolve(input, pass)
        if (!isTogether(run, depthwise, convolved.output, pass))
          return chain(() => convolved, chain(normalise(convolved), apart.apply))(input, pass)
        const slide = () => batchNormDepthwise(run, norm, next, depthwise, convolved, pass)
        return ending(slide).apply(convolved.output, pass)
      }
    }
  }
  return (block, following) => {
    const next = clampOf(following[0])
    const length = next === undefined ? 1 : 2
    switch (block._tag) {
      case "Conv2d": {
        const pool = ofKind(following[length - 1], "MaxPool")
        return (
          normalised(block, following, (...rest) => conv2d(run, undefined, undefined)(block, ...rest)) ?? {
            length: pool === undefined ? length : length + 1,
            apply: (...rest) => conv2d(run, next, pool)(block, ...rest)
          }
        )
      }
      case "DepthwiseConv2d":
        return (
          normalised(block, following, (...rest) => depthwiseConv2d(run, undefined)(block, ...rest)) ?? {
            length,
            apply: (...rest) => depthwiseConv2d(run, next)(block, ...rest)
          }
        )
      case "Dense": {
        const layers = mlpOf(run, [block, ...following])
        return layers === undefined
          ? { length, apply: (...rest) => dense(run, next)(block, ...rest) }
          : { length: 3, apply: (...rest) => mlp(run)(layers, ...rest) }
      }
      case "LayerNorm":
        return { length: 1, apply: (...rest) => layerNorm(run)(block, ...rest) }
      case "Attention":
        return { length: 1, apply: (...rest) => attention(run)(block, ...rest) }
      case "Residual": {
        const alone: Applies = (...rest) => residual(run)(block, ...rest)
        const end = normalisedEnd(block)
        if (end === undefined) return { length: 1, apply: alone }
        const apart: Applies = next === undefined ? alone : chain(alone, (...rest) => activation(run)(next, ...rest))
        return {
          length,
          apply: (input, pass) =>
            endsTogether(run, end, pass) ? normalisedResidual(run, block, end, next, input, pass) : apart(input, pass)
        }
      }
      case "BatchNorm": {
        const active = ownActivationOf(following[0])
        return {
          length: active === undefined ? 1 : 2,
          apply: (input, pass) => batchNorm(run, block, active, { input, owned: false }, pass)
        }
      }
      case "Gate":
        return { length: 1, apply: (...rest) => gate(run)(block, ...rest) }
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
        return summed({ channelSums: channelSums(run) }, block)
    }
  }
}
