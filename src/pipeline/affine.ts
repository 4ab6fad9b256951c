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
 * A corner that the rotation turns outside the crop shows the source that is there, and the background only outside the
 * source.
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

/**
 * Samples bilinearly: pixel centres are at halves, the outermost pixels reach to the border, and what lies outside is
 * the background.
 *
 * Source: Pillow's `Image.transform(AFFINE, BILINEAR)`, rounded where Pillow cuts off.
 */
export const resample = (pixels: Pixels, map: Affine, background: ReadonlyArray<number>): Pixels => {
  const { data, height, width } = pixels
  const out = new Uint8Array(data.length)
  const [red = 0, green = 0, blue = 0] = background
  for (let y = 0, o = 0; y < height; y++) {
    const rowX = map.b * (y + 0.5) + map.c
    const rowY = map.e * (y + 0.5) + map.f
    for (let x = 0; x < width; x++, o += 3) {
      const sx = map.a * (x + 0.5) + rowX
      const sy = map.d * (x + 0.5) + rowY
      if (!(sx >= 0 && sx < width && sy >= 0 && sy < height)) {
        out[o] = red
        out[o + 1] = green
        out[o + 2] = blue
        continue
      }
      const px = Math.max(0, sx - 0.5)
      const py = Math.max(0, sy - 0.5)
      // Positive and far below 2^31, so that the bit operation is a floor.
      const x0 = px | 0
      const y0 = py | 0
      const dx = px - x0
      const dy = py - y0
      const right = x0 + 1 < width ? 3 : 0
      const down = y0 + 1 < height ? width * 3 : 0
      const i = (y0 * width + x0) * 3
      const w11 = dx * dy
      const w10 = dy - w11
      const w01 = dx - w11
      const w00 = 1 - dx - w10
      const j = i + right
      const k = i + down
      const l = k + right
      // Positive, so that the bit operation cuts off the fraction; written out, since this is the hottest loop.
      out[o] =
        (w00 * (data[i] as number) +
          w01 * (data[j] as number) +
          w10 * (data[k] as number) +
          w11 * (data[l] as number) +
          0.5) |
        0
      out[o + 1] =
        (w00 * (data[i + 1] as number) +
          w01 * (data[j + 1] as number) +
          w10 * (data[k + 1] as number) +
          w11 * (data[l + 1] as number) +
          0.5) |
        0
      out[o + 2] =
        (w00 * (data[i + 2] as number) +
          w01 * (data[j + 2] as number) +
          w10 * (data[k + 2] as number) +
          w11 * (data[l + 2] as number) +
          0.5) |
        0
    }
  }
  return { height, width, data: out }
}
