import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type * as tf from "@tensorflow/tfjs-core"
import { channelsOf } from "../tfjs/shape.ts"
import type { WindowOnImages } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"
import { divide, enough, together } from "./parts.ts"
import { program } from "./Program.ts"
import { argumentsOf, meeting } from "./window.ts"

/** Side of the square of the gradient that one workgroup makes; each of its 64 threads makes 4 x 4 of it. */
const side = 32

/** Places of the output that are loaded at once. */
const depth = 16

/**
 * The gradient as a product of matrices: the input's windows (never written out), transposed, times the output's gradient.
 * Each workgroup adds up a part of the places, of `steps` times `depth`.
 */
const partsOf = program({
  name: "filterGradient",
  inputs: ["x", "dy"],
  arguments: [...windowFields, "places", "steps", "outs", "taps"],
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

/** The gradient of a convolution's filter, HWIO. */
export const conv2dFilterGradient = (
  backend: WebGPUBackend,
  window: WindowOnImages,
  x: tf.TensorInfo,
  dy: tf.TensorInfo
): tf.TensorInfo => {
  const outs = channelsOf(dy)
  const places = window.images * window.outHeight * window.outWidth
  const taps = window.kernelHeight * window.kernelWidth * window.channels
  const across = [Math.ceil(taps / side), Math.ceil(outs / side)] as const
  const { parts, size } = divide(Math.ceil(places / depth), Math.ceil(enough / (across[0] * across[1])))
  const partial = partsOf(backend, {
    inputs: [x, dy],
    arguments: {
      ...argumentsOf(window),
      places: { i32: places },
      steps: { i32: size },
      outs: { i32: outs },
      taps: { i32: taps }
    },
    shape: [parts, taps, outs],
    groups: [...across, parts]
  })
  return together(backend, partial, parts, [window.kernelHeight, window.kernelWidth, window.channels, outs])
}
