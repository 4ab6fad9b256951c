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

/** Of a larger picture, so many rows and columns are looked at, evenly spread: eight and more for each cell. */
const [mostRows, mostColumns] = [16 * 8, 17 * 8]

/** Brightness of the cells of a grid over the picture, each the mean of its pixels; a pixel between two counts in both by area. */
const gridOf = ({ channels, data, height: allRows, width: allColumns }: Raster): Float64Array => {
  const isColour = channels >= 3
  const [height, width] = [Math.min(allRows, mostRows), Math.min(allColumns, mostColumns)]
  // Sums over the columns first: a row of the picture is gone through once.
  const sums = new Float64Array(rows * columns)
  const line = new Float64Array(columns)
  for (let y = 0; y < height; y++) {
    line.fill(0)
    const row = Math.floor(((y + 0.5) * allRows) / height)
    for (let x = 0; x < width; x++) {
      const at = (row * allColumns + Math.floor(((x + 0.5) * allColumns) / width)) * channels
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

/**
 * What counts as alike: at most so many bits differ, and at most this share of the bits that either has set. The share is
 * for pictures of which most is background: of a pen before white, few bits say anything. One with fewer set bits than
 * `leastBits` is too plain to be compared.
 *
 * Chosen on a shop's 40,111 photos of 60 x 80 pixels: see `bench/RESULTS.md` for the precision.
 */
export const alike = { bits: 12, share: 0.06, leastBits: 8 } as const

/** One band more than bits that may differ: two fingerprints that are alike have the same bits in one band at least. */
const bands = alike.bits + 1
const words = fingerprintBits / 32

/**
 * The pairs of fingerprints that are alike, as indexes, each once. One that is undefined, or no fingerprint, is in none.
 *
 * Only those are compared that have the same bits in one of 13 bands (every thirteenth bit) and nearly as many set bits; no
 * pair is missed. On photos that differ, this takes a small part of all pairs: 2 s for 40,000 photos.
 */
export const alikePairs = (
  fingerprints: ReadonlyArray<string | undefined>
): ReadonlyArray<readonly [number, number]> => {
  const usable = fingerprints.flatMap((text, index) =>
    text !== undefined && text.length === digits && /^[0-9a-f]+$/.test(text) ? [{ text, index }] : []
  )
  const size = usable.length
  const bits = new Uint32Array(size * words)
  const set = new Uint16Array(size)
  const bandBits = new Uint32Array(size * bands)
  usable.forEach(({ text }, at) => {
    for (let word = 0; word < words; word++) {
      const value = Number.parseInt(text.slice(word * 8, word * 8 + 8), 16)
      bits[at * words + word] = value
      set[at] = (set[at] ?? 0) + bitsOf(value)
      for (let bit = 0; bit < 32; bit++) {
        const band = at * bands + ((word * 32 + bit) % bands)
        bandBits[band] = (((bandBits[band] ?? 0) << 1) | ((value >>> bit) & 1)) >>> 0
      }
    }
  })
  const isAlike = (a: number, b: number): boolean => {
    let differing = 0
    let either = 0
    for (let word = 0; word < words; word++) {
      const [one, other] = [bits[a * words + word] ?? 0, bits[b * words + word] ?? 0]
      differing += bitsOf(one ^ other)
      either += bitsOf(one | other)
      if (differing > alike.bits) return false
    }
    return differing <= alike.share * either
  }
  /** Whether an earlier band has found the pair. */
  const isKnown = (a: number, b: number, band: number): boolean => {
    for (let earlier = 0; earlier < band; earlier++)
      if (bandBits[a * bands + earlier] === bandBits[b * bands + earlier]) return true
    return false
  }
  const pairs: Array<readonly [number, number]> = []
  const setBits = 2 ** 9
  const indexes = 2 ** 24
  for (let band = 0; band < bands; band++) {
    // By the band's bits, then by how many are set in all; 20, 9 and 24 bits fit a double.
    const keys = new Float64Array(size)
    for (let at = 0; at < size; at++)
      keys[at] = ((bandBits[at * bands + band] ?? 0) * setBits + (set[at] ?? 0)) * indexes + at
    keys.sort()
    const order = Uint32Array.from(keys, (key) => key % indexes)
    order.forEach((a, place) => {
      const own = set[a] ?? 0
      if (own < alike.leastBits) return
      for (let next = place + 1; next < size; next++) {
        const b = order[next] ?? 0
        if (bandBits[a * bands + band] !== bandBits[b * bands + band]) break
        // At least as many bits differ as one has more than the other, and either has at most the sum of both.
        const more = (set[b] ?? 0) - own
        if (more > alike.bits || more > (alike.share / (1 - alike.share)) * (set[b] ?? 0)) break
        if (!isAlike(a, b) || isKnown(a, b, band)) continue
        const [one, other] = [usable[a]?.index ?? 0, usable[b]?.index ?? 0]
        pairs.push(one < other ? [one, other] : [other, one])
      }
    })
  }
  return pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1])
}
