import { Record, Struct } from "effect"
import type { WindowField, WindowOnImages } from "../tfjs/window.ts"
import { windowFields } from "../tfjs/window.ts"

/** A window as a program takes it. */
export const argumentsOf = (window: WindowOnImages): Readonly<Record<WindowField, { readonly i32: number }>> =>
  Record.map(Struct.pick(window, windowFields), (i32) => ({ i32 }))

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
