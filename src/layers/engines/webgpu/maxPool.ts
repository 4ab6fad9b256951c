import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import { sizeOf } from "../../../model/Tensor.ts"
import type { WindowOnImages } from "../tfjs/window.ts"
import type { Run } from "./Program.ts"
import { groupsFor, program } from "./Program.ts"
import type { WindowField } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"
import { argumentsOf } from "./window.ts"

const threads = 64

/** The first of the largest values of a window, as PyTorch has it: NaN is larger than all, and the last one counts. */
const largest = `
fn largest(image: i32, outRow: i32, outColumn: i32, channel: i32) -> i32 {
  let top = outRow * uniforms.stride - uniforms.top;
  let left = outColumn * uniforms.stride - uniforms.left;
  var best = -1;
  for (var row = max(top, 0); row < min(top + uniforms.kernelHeight, uniforms.height); row++) {
    for (var column = max(left, 0); column < min(left + uniforms.kernelWidth, uniforms.width); column++) {
      let at = ((image * uniforms.height + row) * uniforms.width + column) * uniforms.channels + channel;
      if (best < 0 || x[at] > x[best] || isnan(x[at])) { best = at; }
    }
  }
  return best;
}`

const forward = program({
  name: "maxPool",
  inputs: ["x"],
  arguments: [...windowFields, "count"],
  threads,
  shared: largest,
  code: `
    if (index >= uniforms.count) { return; }
    let pixel = index / uniforms.channels;
    let row = pixel / uniforms.outWidth;
    let at = largest(row / uniforms.outHeight, row % uniforms.outHeight, pixel % uniforms.outWidth, index % uniforms.channels);
    result[index] = x[at];`
})

/** Each value of the input takes the gradients of the windows that it is the largest of. */
const backward = program({
  name: "maxPoolGradient",
  inputs: ["x", "dy"],
  arguments: [...windowFields, "count"],
  threads,
  shared: largest,
  code: `
    if (index >= uniforms.count) { return; }
    let channel = index % uniforms.channels;
    let pixel = index / uniforms.channels;
    let column = pixel % uniforms.width + uniforms.left;
    let row = pixel / uniforms.width % uniforms.height + uniforms.top;
    let image = pixel / uniforms.width / uniforms.height;
    // The first window that reaches it ends behind it; the last begins at or before it.
    let firstRow = max(row - uniforms.kernelHeight + uniforms.stride, 0) / uniforms.stride;
    let firstColumn = max(column - uniforms.kernelWidth + uniforms.stride, 0) / uniforms.stride;
    var sum = 0.0;
    for (var r = firstRow; r <= min(row / uniforms.stride, uniforms.outHeight - 1); r++) {
      for (var c = firstColumn; c <= min(column / uniforms.stride, uniforms.outWidth - 1); c++) {
        if (largest(image, r, c, channel) == index) {
          sum += dy[((image * uniforms.outHeight + r) * uniforms.outWidth + c) * uniforms.channels + channel];
        }
      }
    }
    result[index] = sum;`
})

const runOf = (
  window: WindowOnImages,
  shape: ReadonlyArray<number>,
  inputs: ReadonlyArray<tf.TensorInfo>
): Run<WindowField | "count"> => {
  const count = sizeOf(shape)
  return {
    inputs,
    arguments: { ...argumentsOf(window), count: { i32: count } },
    shape,
    groups: groupsFor(count, threads)
  }
}

/** The largest value of each window. */
export const maxPool = (backend: WebGPUBackend, window: WindowOnImages, x: tf.TensorInfo): tf.TensorInfo => {
  const { channels, images, outHeight, outWidth } = window
  return forward(backend, runOf(window, [images, outHeight, outWidth, channels], [x]))
}

/** Its gradient: dy goes to the first of the largest. */
export const maxPoolGradient = (
  backend: WebGPUBackend,
  window: WindowOnImages,
  x: tf.TensorInfo,
  dy: tf.TensorInfo
): tf.TensorInfo => backward(backend, runOf(window, x.shape, [x, dy]))
