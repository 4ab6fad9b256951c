import * as tf from "@tensorflow/tfjs-core"
import { clipFactor } from "../../../model/optimizer.ts"
import { ruleOf, rules, scalarList } from "../../../model/optimizers.ts"
import type { Operators } from "../tfjs/Operators.ts"
import { channelsOf } from "../tfjs/shape.ts"
import { activationGradient } from "./activation.ts"
import { average } from "./average.ts"
import { channelSums } from "./channelSums.ts"
import type { Machine } from "./Machine.ts"
import { double, float } from "./Task.ts"
import { chunk, squares, update, updateArguments } from "./update.ts"

/** Rows whose sums are made at once: part of what the bits depend on. */
const rowsAtOnce = 1024

const tensorOf = ({ dataId, dtype, shape }: tf.TensorInfo): tf.Tensor =>
  tf.engine().makeTensorFromTensorInfo({ dataId, dtype, shape })

/** Adds up rows of sums, one for each piece of some work. */
const together = (sums: Float32Array | Float64Array, channels: number): tf.Tensor => {
  const whole = new Float64Array(channels)
  for (let i = 0; i < sums.length; i++) whole[i % channels]! += sums[i]!
  return tf.tensor1d(new Float32Array(whole))
}

/** The operators of the wasm backend, on all its threads. */
export const operatorsOf = (machine: Machine): Operators => {
  const { crew } = machine
  return {
    activationGradient: (dy, y, kind) => {
      const channels = channelsOf(y)
      const rows = y.size / channels
      const gradient = tensorOf(machine.output(y.shape))
      const pieces = Math.ceil(rows / rowsAtOnce)
      const sums = machine.withRoom(pieces * channels * float, (room) => {
        const tensors = { dy: machine.address(dy), y: machine.address(y), out: machine.address(gradient) }
        // Nothing equals NaN: relu has no upper corner.
        const high = kind === "relu6" ? 6 : Number.NaN
        crew.run(activationGradient, { ...tensors, sums: room, rows, rowsAtOnce, channels, high }, pieces)
        return together(machine.floats().subarray(room / float, room / float + pieces * channels), channels)
      })
      return { gradient, sums }
    },
    channelSums: (x) => {
      const channels = channelsOf(x)
      const rows = x.size / channels
      const pieces = Math.ceil(rows / rowsAtOnce)
      const wide = pieces * channels * double
      return machine.withRoom(wide + crew.threads * channels * float, (sums) => {
        crew.run(channelSums, { x: machine.address(x), sums, few: sums + wide, rows, rowsAtOnce, channels }, pieces)
        return together(new Float64Array(machine.floats().buffer, sums, pieces * channels), channels)
      })
    },
    update: ({ clipNorm, clipValue, optimizer }, changes) => {
      const piecesOf = ({ size }: tf.Tensor) => Math.ceil(size / chunk)
      const all = changes.reduce((sum, { weight }) => sum + piecesOf(weight), 0)
      const sum = machine.withRoom(all * double, (room) => {
        let out = room
        for (const { gradient } of changes) {
          crew.run(squares, { x: machine.address(gradient), length: gradient.size, out }, piecesOf(gradient))
          out += piecesOf(gradient) * double
        }
        return new Float64Array(machine.floats().buffer, room, all).reduce((a, b) => a + b, 0)
      })
      const norm = Math.sqrt(sum)
      const factor = clipFactor(norm, clipNorm)
      const most = clipValue ?? Infinity
      const rule = rules.indexOf(ruleOf(optimizer))
      for (const { at, gradient, slots, weight } of changes) {
        const tensors = { weight: machine.address(weight), gradient: machine.address(gradient) }
        const args = updateArguments(
          { ...tensors, length: weight.size, factor, most, rule },
          Object.values(slots).map((slot) => machine.address(slot)),
          scalarList(optimizer, at)
        )
        crew.run(update, args, piecesOf(weight))
      }
      return { after: changes, norm: tf.scalar(norm) }
    },
    average: (pairs, share) =>
      pairs.map((pair) => {
        const { weight } = pair
        const tensors = { average: machine.address(pair.average), weight: machine.address(weight) }
        crew.run(average, { ...tensors, length: weight.size, share }, Math.ceil(weight.size / chunk))
        return pair
      })
  }
}
