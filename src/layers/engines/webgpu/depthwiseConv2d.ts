import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import type { WindowOnImages } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"
import { divide, enough, together } from "./parts.ts"
import { program } from "./Program.ts"
import { argumentsOf, meeting } from "./window.ts"

const threads = 64

/** One thread for each value of the filter and part of the places. */
const partsOf = program({
  name: "depthwiseFilterGradient",
  inputs: ["x", "dy"],
  arguments: [...windowFields, "places", "steps", "taps"],
  threads,
  shared: meeting,
  code: `
    let tap = group.x * ${threads} + thread;
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

/** The gradient of depthwise filters, HWC1. */
export const depthwiseFilterGradient = (
  backend: WebGPUBackend,
  window: WindowOnImages,
  x: tf.TensorInfo,
  dy: tf.TensorInfo
): tf.TensorInfo => {
  const places = window.images * window.outHeight * window.outWidth
  const taps = window.kernelHeight * window.kernelWidth * window.channels
  const across = Math.ceil(taps / threads)
  const { parts, size } = divide(places, Math.min(Math.ceil(enough / across), Math.ceil(places / 64)))
  const partial = partsOf(backend, {
    inputs: [x, dy],
    arguments: { ...argumentsOf(window), places: { i32: places }, steps: { i32: size }, taps: { i32: taps } },
    shape: [parts, taps],
    groups: [across, 1, parts]
  })
  return together(backend, partial, parts, [window.kernelHeight, window.kernelWidth, window.channels, 1])
}
