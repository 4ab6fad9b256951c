import type { Pixels } from "./Pixels.ts"

/** Where a pixel comes from: source = (a * x + b * y + c, d * x + e * y + f), in pixels from the top left corner. */
export interface Affine {
  readonly a: number
  readonly b: number
  readonly c: number
  readonly d: number
  readonly e: number
  readonly f: number
}

/** What is done to the image's plane. */
export interface Geometry {
  readonly flip: boolean
  /** Counter-clockwise, in degrees, about the centre. */
  readonly degrees: number
  /** The part of the source that fills the result: corner and size in pixels. */
  readonly crop: { readonly left: number; readonly top: number; readonly width: number; readonly height: number }
}

/**
 * One mapping for crop, then flip, then rotation, so that the image is sampled once.
 *
 * A corner that the rotation moves outside the crop shows the source there, and the background only outside the source.
 */
export const affineOf = (geometry: Geometry, width: number, height: number): Affine => {
  const angle = (geometry.degrees * Math.PI) / 180
  const cos = Math.cos(angle)
  const sin = Math.sin(angle)
  // Inverse of a counter-clockwise rotation about the centre, in coordinates whose y points down.
  const u = { x: cos, y: -sin, one: (width - cos * width + sin * height) / 2 }
  const v = { x: sin, y: cos, one: (height - sin * width - cos * height) / 2 }
  const sx = (geometry.flip ? -1 : 1) * (geometry.crop.width / width)
  const sy = geometry.crop.height / height
  const left = geometry.crop.left + (geometry.flip ? geometry.crop.width : 0)
  return {
    a: sx * u.x,
    b: sx * u.y,
    c: sx * u.one + left,
    d: sy * v.x,
    e: sy * v.y,
    f: sy * v.one + geometry.crop.top
  }
}

/** The mapping that samples what `first` has made, by `second`. */
export const compose = (first: Affine, second: Affine): Affine => ({
  a: first.a * second.a + first.b * second.d,
  b: first.a * second.b + first.b * second.e,
  c: first.a * second.c + first.b * second.f + first.c,
  d: first.d * second.a + first.e * second.d,
  e: first.d * second.b + first.e * second.e,
  f: first.d * second.c + first.e * second.f + first.f
})

/** The mirror image, left and right, exactly. */
export const mirror = ({ data, height, width }: Pixels): Pixels => {
  const out = new Uint8Array(data.length)
  for (let y = 0, o = 0; y < height; y++) {
    for (let i = (y + 1) * width * 3 - 3, x = 0; x < width; x++, i -= 3, o += 3) {
      // Indices are inside by construction, here and below.
      out[o] = data[i] as number
      out[o + 1] = data[i + 1] as number
      out[o + 2] = data[i + 2] as number
    }
  }
  return { height, width, data: out }
}

/** Coordinates are whole numbers of 2^-18 pixels, bilinear weights of 2^-11: the same on every machine and engine. */
export const placeOne = 2 ** 18
export const weightOne = 2 ** 11

/** A mapping in whole numbers: the step of a column, and the source of each row's first pixel. */
export const fixed = (map: Affine, height: number) => {
  const columns = new Int32Array(height)
  const rows = new Int32Array(height)
  for (let y = 0; y < height; y++) {
    columns[y] = Math.round((map.a / 2 + map.b * (y + 0.5) + map.c) * placeOne)
    rows[y] = Math.round((map.d / 2 + map.e * (y + 0.5) + map.f) * placeOne)
  }
  return { a: Math.round(map.a * placeOne), d: Math.round(map.d * placeOne), columns, rows }
}

/**
 * Samples bilinearly: pixel centres are at halves, the outermost pixels reach to the border, and what lies outside is
 * the background. Images of up to 2048 x 2048 pixels.
 *
 * Source: Pillow's `Image.transform(AFFINE, BILINEAR)`, rounded where Pillow cuts off.
 */
export const resample = (pixels: Pixels, map: Affine, background: ReadonlyArray<number>): Pixels => {
  const { data, height, width } = pixels
  const out = new Uint8Array(data.length)
  const [red = 0, green = 0, blue = 0] = background
  const { a, columns, d, rows } = fixed(map, height)
  for (let y = 0, o = 0; y < height; y++) {
    let sx = columns[y] as number // as many starts as rows
    let sy = rows[y] as number
    for (let x = 0; x < width; x++, o += 3, sx += a, sy += d) {
      if (!(sx >= 0 && sx < width * placeOne && sy >= 0 && sy < height * placeOne)) {
        out[o] = red
        out[o + 1] = green
        out[o + 2] = blue
        continue
      }
      // To the pixel's corner, and to the nearest weight; all are positive, so that a shift is a floor.
      const px = Math.max(0, sx - placeOne / 2) + placeOne / weightOne / 2
      const py = Math.max(0, sy - placeOne / 2) + placeOne / weightOne / 2
      const x0 = px >> 18
      const y0 = py >> 18
      const dx = (px >> 7) & (weightOne - 1)
      const dy = (py >> 7) & (weightOne - 1)
      const i = (y0 * width + x0) * 3
      const right = x0 + 1 < width ? 3 : 0
      const down = y0 + 1 < height ? width * 3 : 0
      for (let channel = i, end = i + 3, to = o; channel < end; channel++, to++) {
        // Indices are inside by construction.
        const above = (data[channel] as number) * (weightOne - dx) + (data[channel + right] as number) * dx
        const below =
          (data[channel + down] as number) * (weightOne - dx) + (data[channel + down + right] as number) * dx
        out[to] = (above * weightOne + (below - above) * dy + (weightOne * weightOne) / 2) >> 22
      }
    }
  }
  return { height, width, data: out }
}
