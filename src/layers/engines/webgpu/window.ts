import type { WindowOnImages } from "../tfjs/window.ts"

/** What a program takes of a window. */
export const windowArguments = [
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "kernelHeight",
  "kernelWidth",
  "stride",
  "top",
  "left"
] as const

/** A window as a program takes it. */
export const argumentsOf = (
  window: WindowOnImages
): Readonly<Record<(typeof windowArguments)[number], { readonly i32: number }>> => ({
  height: { i32: window.height },
  width: { i32: window.width },
  channels: { i32: window.channels },
  outHeight: { i32: window.outHeight },
  outWidth: { i32: window.outWidth },
  kernelHeight: { i32: window.kernelHeight },
  kernelWidth: { i32: window.kernelWidth },
  stride: { i32: window.stride },
  top: { i32: window.top },
  left: { i32: window.left }
})

/** The place in the input that a place in the output and in the filter meet at, or none. */
export const meeting = `
fn inputAt(place: i32, ky: i32, kx: i32) -> i32 {
  let image = place / (uniforms.outHeight * uniforms.outWidth);
  let inImage = place % (uniforms.outHeight * uniforms.outWidth);
  let row = inImage / uniforms.outWidth * uniforms.stride + ky - uniforms.top;
  let column = inImage % uniforms.outWidth * uniforms.stride + kx - uniforms.left;
  if (row < 0 || row >= uniforms.height || column < 0 || column >= uniforms.width) { return -1; }
  return (image * uniforms.height + row) * uniforms.width + column;
}`
