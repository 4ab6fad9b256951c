import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import type { Run } from "./Program.ts"
import { groupsFor, program } from "./Program.ts"

const threads = 64

/** The first of the largest values of a window, as PyTorch has it: NaN is larger than all, and the last one counts. */
const largest = `
fn largest(image: i32, outRow: i32, outColumn: i32, channel: i32) -> i32 {
  let top = outRow * uniforms.stride - uniforms.top;
  let left = outColumn * uniforms.stride - uniforms.left;
  var best = -1;
  for (var row = max(top, 0); row < min(top + uniforms.side, uniforms.height); row++) {
    for (var column = max(left, 0); column < min(left + uniforms.side, uniforms.width); column++) {
      let at = ((image * uniforms.height + row) * uniforms.width + column) * uniforms.channels + channel;
      if (best < 0 || x[at] > x[best] || isnan(x[at])) { best = at; }
    }
  }
  return best;
}`

const geometry = ["height", "width", "outHeight", "outWidth", "channels", "side", "stride", "top", "left", "count"]

const forward = program({
  name: "maxPool",
  inputs: ["x"],
  arguments: geometry,
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
  arguments: geometry,
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
    let firstRow = max(row - uniforms.side + uniforms.stride, 0) / uniforms.stride;
    let firstColumn = max(column - uniforms.side + uniforms.stride, 0) / uniforms.stride;
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

const informed = (x: tf.TensorInfo, attrs: tf.NamedAttrMap) => {
  const info = tf.backend_util.computePool2DInfo(
    x.shape as [number, number, number, number], // as the session calls these kernels: images, and our own padding
    attrs["filterSize"] as unknown as number,
    attrs["strides"] as unknown as number,
    1,
    attrs["pad"] as unknown as number,
    undefined
  )
  if (info.strideHeight !== info.strideWidth || info.filterHeight !== info.filterWidth)
    throw new Error("only square windows with one stride")
  return info
}

const runOf = (
  info: tf.backend_util.Conv2DInfo,
  shape: ReadonlyArray<number>,
  inputs: ReadonlyArray<tf.TensorInfo>
): Run => {
  const count = tf.util.sizeFromShape([...shape])
  return {
    inputs,
    arguments: {
      height: { i32: info.inHeight },
      width: { i32: info.inWidth },
      outHeight: { i32: info.outHeight },
      outWidth: { i32: info.outWidth },
      channels: { i32: info.inChannels },
      side: { i32: info.filterHeight },
      stride: { i32: info.strideHeight },
      top: { i32: info.padInfo.top },
      left: { i32: info.padInfo.left },
      count: { i32: count }
    },
    shape,
    groups: groupsFor(count, threads)
  }
}

/** The largest value of each window. */
export const maxPool = (backend: WebGPUBackend, x: tf.TensorInfo, attrs: tf.NamedAttrMap): tf.TensorInfo => {
  const info = informed(x, attrs)
  return forward(backend, runOf(info, info.outShape, [x]))
}

/** Its gradient: dy goes to the first of the largest. */
export const maxPoolGradient = (
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  attrs: tf.NamedAttrMap
): tf.TensorInfo => backward(backend, runOf(informed(x, attrs), x.shape, [x, dy]))
