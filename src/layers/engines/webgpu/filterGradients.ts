import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import { program } from "./Program.ts"
import { columnSums } from "./sums.ts"

/** Side of the square of the gradient that one workgroup makes; each of its 64 threads makes 4 x 4 of it. */
const side = 32

/** Places of the output that are loaded at once. */
const depth = 16

/** So many workgroups keep a large card busy. */
const enough = 1024

/** The place in the input that a place in the output and in the filter meet at, or none. */
const meeting = `
fn inputAt(place: i32, ky: i32, kx: i32) -> i32 {
  let image = place / (uniforms.outHeight * uniforms.outWidth);
  let inImage = place % (uniforms.outHeight * uniforms.outWidth);
  let row = inImage / uniforms.outWidth * uniforms.stride + ky - uniforms.top;
  let column = inImage % uniforms.outWidth * uniforms.stride + kx - uniforms.left;
  if (row < 0 || row >= uniforms.height || column < 0 || column >= uniforms.width) { return -1; }
  return (image * uniforms.height + row) * uniforms.width + column;
}`

const geometry = ["height", "width", "outHeight", "outWidth", "kernelWidth", "stride", "top", "left"] as const

/**
 * The gradient as a product of matrices: the input's windows (never written out), turned, times the output's gradient.
 * Each workgroup adds up a part of the places, of `steps` times `depth`.
 */
const dense = program({
  name: "filterGradient",
  inputs: ["x", "dy"],
  arguments: [...geometry, "places", "steps", "channels", "outs", "taps"],
  threads: 64,
  shared: `
var<workgroup> windows: array<array<f32, ${side}>, ${depth}>;
var<workgroup> gradients: array<array<f32, ${side}>, ${depth}>;
${meeting}`,
  code: `
    let firstTap = group.x * ${side};
    let firstOut = group.y * ${side};
    let mineTaps = thread / 8 * 4;
    let mineOuts = thread % 8 * 4;
    var sums: array<vec4<f32>, 4>;
    for (var step = 0; step < uniforms.steps; step++) {
      let first = (group.z * uniforms.steps + step) * ${depth};
      for (var i = thread; i < ${side * depth}; i += 64) {
        let place = first + i / ${side};
        let tap = firstTap + i % ${side};
        let out = firstOut + i % ${side};
        var value = 0.0;
        var gradient = 0.0;
        if (place < uniforms.places) {
          if (tap < uniforms.taps) {
            let inFilter = tap / uniforms.channels;
            let at = inputAt(place, inFilter / uniforms.kernelWidth, inFilter % uniforms.kernelWidth);
            if (at >= 0) { value = x[at * uniforms.channels + tap % uniforms.channels]; }
          }
          if (out < uniforms.outs) { gradient = dy[place * uniforms.outs + out]; }
        }
        windows[i / ${side}][i % ${side}] = value;
        gradients[i / ${side}][i % ${side}] = gradient;
      }
      workgroupBarrier();
      for (var d = 0; d < ${depth}; d++) {
        let right = vec4<f32>(gradients[d][mineOuts], gradients[d][mineOuts + 1],
                              gradients[d][mineOuts + 2], gradients[d][mineOuts + 3]);
        for (var t = 0; t < 4; t++) { sums[t] += windows[d][mineTaps + t] * right; }
      }
      workgroupBarrier();
    }
    for (var t = 0; t < 4; t++) {
      for (var o = 0; o < 4; o++) {
        let tap = firstTap + mineTaps + t;
        let out = firstOut + mineOuts + o;
        if (tap < uniforms.taps && out < uniforms.outs) {
          result[(group.z * uniforms.taps + tap) * uniforms.outs + out] = sums[t][o];
        }
      }
    }`
})

/** One thread for each value of the filter and part of the places. */
const depthwise = program({
  name: "depthwiseFilterGradient",
  inputs: ["x", "dy"],
  arguments: [...geometry, "places", "steps", "channels", "taps"],
  threads: 64,
  shared: meeting,
  code: `
    let tap = group.x * 64 + thread;
    if (tap >= uniforms.taps) { return; }
    let inFilter = tap / uniforms.channels;
    let channel = tap % uniforms.channels;
    let first = group.z * uniforms.steps;
    var sum = 0.0;
    for (var place = first; place < min(first + uniforms.steps, uniforms.places); place++) {
      let at = inputAt(place, inFilter / uniforms.kernelWidth, inFilter % uniforms.kernelWidth);
      if (at >= 0) { sum += x[at * uniforms.channels + channel] * dy[place * uniforms.channels + channel]; }
    }
    result[group.z * uniforms.taps + tap] = sum;`
})

type Four = [number, number, number, number]

const informed = (x: tf.TensorInfo, attrs: tf.NamedAttrMap, isDepthwise: boolean) => {
  const { filterShape, pad, strides } = attrs
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as Four, // as the session calls these kernels: images, HWIO or HWC1, and our own padding
    filterShape as Four,
    strides as unknown as number,
    1,
    pad as unknown as number,
    undefined,
    isDepthwise
  )
  if (info.strideHeight !== info.strideWidth) throw new Error("only convolutions with one stride")
  const shape = {
    height: { i32: info.inHeight },
    width: { i32: info.inWidth },
    outHeight: { i32: info.outHeight },
    outWidth: { i32: info.outWidth },
    kernelWidth: { i32: info.filterWidth },
    stride: { i32: info.strideHeight },
    top: { i32: info.padInfo.top },
    left: { i32: info.padInfo.left },
    channels: { i32: info.inChannels }
  }
  return { info, shape, places: info.batchSize * info.outHeight * info.outWidth }
}

/** Of a whole, in about as many parts as are asked for: how large one is, and how many there are. */
const divide = (whole: number, parts: number) => {
  const size = Math.ceil(whole / Math.max(1, Math.min(whole, parts)))
  return { size, parts: Math.ceil(whole / size) }
}

/** Adds up what the parts of the places have given; (parts, filter). */
const together = (backend: WebGPUBackend, parts: tf.TensorInfo, count: number, shape: ReadonlyArray<number>) => {
  const whole = columnSums(backend, parts, count, tf.util.sizeFromShape([...shape]), shape)
  backend.disposeData(parts.dataId)
  return whole
}

/** dy / dfilter of a convolution, HWIO. */
export const filterGradient = (
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  attrs: tf.NamedAttrMap
): tf.TensorInfo => {
  const { info, places, shape } = informed(x, attrs, false)
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  const across = [Math.ceil(taps / side), Math.ceil(info.outChannels / side)] as const
  const { parts, size } = divide(Math.ceil(places / depth), Math.ceil(enough / (across[0] * across[1])))
  const partial = dense(backend, {
    inputs: [x, dy],
    arguments: {
      ...shape,
      places: { i32: places },
      steps: { i32: size },
      outs: { i32: info.outChannels },
      taps: { i32: taps }
    },
    shape: [parts, taps, info.outChannels],
    groups: [...across, parts]
  })
  return together(backend, partial, parts, info.filterShape)
}

/** dy / dfilter of a convolution of each channel by itself, HWC1. */
export const depthwiseFilterGradient = (
  backend: WebGPUBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  attrs: tf.NamedAttrMap
): tf.TensorInfo => {
  const { info, places, shape } = informed(x, attrs, true)
  const taps = info.filterHeight * info.filterWidth * info.inChannels
  const across = Math.ceil(taps / 64)
  const { parts, size } = divide(places, Math.min(Math.ceil(enough / across), Math.ceil(places / 64)))
  const partial = depthwise(backend, {
    inputs: [x, dy],
    arguments: { ...shape, places: { i32: places }, steps: { i32: size }, taps: { i32: taps } },
    shape: [parts, taps],
    groups: [across, 1, parts]
  })
  return together(backend, partial, parts, info.filterShape)
}
