/** Decoded pixels of any size, row by row, 8 bits a channel. */
export interface Raster {
  readonly data: Uint8Array
  readonly height: number
  readonly width: number
  /** 1 or 2: grey; 3 or 4: red, green, blue. The last of 2 or 4 is alpha, and not looked at. */
  readonly channels: number
}

const [rows, columns] = [16, 17]

/** Bits of a fingerprint, and hexadecimal digits. */
export const fingerprintBits = rows * (columns - 1)
const digits = fingerprintBits / 4

/** Brightness of the cells of a grid over the picture, each the mean of its pixels; a pixel between two counts in both by area. */
const gridOf = ({ channels, data, height, width }: Raster): Float64Array => {
  const isColour = channels >= 3
  // Sums over the columns first: a row of the picture is gone through once.
  const sums = new Float64Array(rows * columns)
  const line = new Float64Array(columns)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * channels
      const grey = isColour
        ? 299 * (data[at] ?? 0) + 587 * (data[at + 1] ?? 0) + 114 * (data[at + 2] ?? 0)
        : 1000 * (data[at] ?? 0)
      // The pixel reaches over `columns` units of a line of `width * columns`.
      let from = x * columns
      const to = from + columns
      while (from < to) {
        const cell = Math.floor(from / width)
        const until = Math.min(to, (cell + 1) * width)
        line[cell] = (line[cell] ?? 0) + grey * (until - from)
        from = until
      }
    }
    let from = y * rows
    const to = from + rows
    while (from < to) {
      const row = Math.floor(from / height)
      const until = Math.min(to, (row + 1) * height)
      for (let cell = 0; cell < columns; cell++) {
        const at = row * columns + cell
        sums[at] = (sums[at] ?? 0) + (line[cell] ?? 0) * (until - from)
      }
      from = until
    }
  }
  return sums
}

/**
 * What a picture looks like, as 256 bits in hexadecimal: for 16 rows of 17 cells, whether each cell is brighter than the
 * one to its left. The same for a picture at any size and, nearly, at any quality. All sums are whole numbers, so that it
 * is the same on every machine.
 *
 * Source: the difference hash of N. Krawetz, Kind of Like That, 2013 (hackerfactor.com), there with 8 rows of 9 cells; with
 * so few, photos before a white background are too often alike.
 */
export const fingerprint = (raster: Raster): string => {
  const grid = gridOf(raster)
  let text = ""
  for (let row = 0; row < rows; row++)
    for (let nibble = 0; nibble < 4; nibble++) {
      let digit = 0
      for (let bit = 0; bit < 4; bit++) {
        const at = row * columns + nibble * 4 + bit
        digit = digit * 2 + ((grid[at + 1] ?? 0) > (grid[at] ?? 0) ? 1 : 0)
      }
      text += digit.toString(16)
    }
  return text
}

const bitsOf = (x: number): number => {
  let v = x - ((x >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
