import type { Component, Jpeg } from "./header.ts"
import { zigzag } from "./header.ts"
import type { HuffmanTable } from "./huffman.ts"
import { shortBits } from "./huffman.ts"
import { inverseDct } from "./inverseDct.ts"

/** A channel's samples, in whole blocks. */
export interface Plane {
  readonly data: Uint8Array
  readonly stride: number
}

/** Coefficients of a picture are far smaller; what is larger overflows 16 bits somewhere in other decoders. */
const largest = 4095

/** Thrown at anything that a whole, plain JPEG does not have, and caught by `decodeScan`. */
class NotPlain extends Error {}

/** Reads the bits of a scan. */
class Scan {
  at: number
  readonly #bytes: Uint8Array
  #bits = 0
  #count = 0
  readonly #coefficients = new Int32Array(64)

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  /** At least 16 bits, with zeros where the data have ended: a marker ends them. */
  #fill(): void {
    const bytes = this.#bytes
    while (this.#count <= 16) {
      // Beyond the end is undefined, which is read as a marker.
      let byte = bytes[this.at] ?? 0xff
      if (byte === 0xff) {
        if (bytes[this.at + 1] === 0) this.at += 2
        else byte = this.#ended()
      } else this.at++
      this.#bits = (this.#bits << 8) | byte
      this.#count += 8
    }
  }

  /** More bits than these few were made up: `restart` looks at it. */
  #madeUp = 0
  #ended(): number {
    this.#madeUp += 8
    return 0
  }

  #symbol(table: HuffmanTable): number {
    if (this.#count < 16) this.#fill()
    const next = (this.#bits >>> (this.#count - 16)) & 0xffff
    const found = table.short[next >> (16 - shortBits)] as number // 9 bits
    if (found !== 0) {
      this.#count -= found >> 8
      return found & 255
    }
    for (let length = shortBits + 1; length <= 16; length++)
      // Lengths are inside.
      if (next < (table.limits[length] as number)) {
        this.#count -= length
        return table.symbols[(next >> (16 - length)) + (table.moves[length] as number)] as number
      }
    throw new NotPlain()
  }

  /** A signed number of some bits. */
  #number(bits: number): number {
    if (bits === 0) return 0
    if (this.#count < bits) this.#fill()
    this.#count -= bits
    const value = (this.#bits >>> this.#count) & ((1 << bits) - 1)
    return value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value
  }

  /** A block's samples; gives its first coefficient, from which the next block's counts. */
  block(component: Component, before: number, to: Plane, offset: number): number {
    const coefficients = this.#coefficients
    const { ac, dc, quantisation } = component
    const size = this.#symbol(dc)
    if (size > 11) throw new NotPlain()
    const first = before + this.#number(size)
    // Indices are inside: 64 coefficients and values, and `k` is checked.
    coefficients[0] = first * (quantisation[0] as number)
    let worst = Math.abs(coefficients[0])
    let last = 0
    for (let k = 1; k < 64; k++) {
      const symbol = this.#symbol(ac)
      const bits = symbol & 15
      if (bits === 0) {
        if (symbol !== 0xf0) {
          if (symbol !== 0) throw new NotPlain()
          break
        }
        k += 15
        continue
      }
      k += symbol >> 4
      if (k > 63 || bits > 10) throw new NotPlain()
      const place = zigzag[k] as number
      const value = this.#number(bits) * (quantisation[place] as number)
      coefficients[place] = value
      last = k
      worst = Math.max(worst, Math.abs(value))
    }
    if (worst > largest) throw new NotPlain()
    inverseDct(coefficients, last, to.data, offset, to.stride)
    if (last > 0) coefficients.fill(0)
    return first
  }

  /** Ends a stretch of the scan: no bits were made up, fewer than 8 are left over, and this marker follows. */
  finish(marker: number): void {
    const left = this.#count - this.#madeUp
    if (left < 0 || left >= 8) {
      // Whole bytes were read ahead: go back to them, but never into stuffed ones.
      throw new NotPlain()
    }
    if (this.#bytes[this.at] !== 0xff || this.#bytes[this.at + 1] !== marker) throw new NotPlain()
    this.at += 2
    this.#bits = 0
    this.#count = 0
    this.#madeUp = 0
  }
}

/** The planes of a whole scan, or undefined where anything is out of the ordinary. */
export const decodeScan = (bytes: Uint8Array, jpeg: Jpeg): ReadonlyArray<Plane> | undefined => {
  const [luma] = jpeg.components
  if (luma === undefined) return undefined
  const across = Math.ceil(jpeg.width / (8 * luma.across))
  const down = Math.ceil(jpeg.height / (8 * luma.down))
  const planes = jpeg.components.map((component): Plane => {
    const stride = across * component.across * 8
    return { stride, data: new Uint8Array(stride * down * component.down * 8) }
  })
  const scan = new Scan(bytes, jpeg.scan)
  const before = new Int32Array(jpeg.components.length)
  const units = across * down
  try {
    for (let unit = 0; unit < units; unit++) {
      if (jpeg.restart > 0 && unit > 0 && unit % jpeg.restart === 0) {
        scan.finish(0xd0 + ((unit / jpeg.restart - 1) & 7))
        before.fill(0)
      }
      const top = Math.floor(unit / across)
      const left = unit - top * across
      for (let c = 0; c < planes.length; c++) {
        const component = jpeg.components[c] as Component // as many planes as components
        const plane = planes[c] as Plane
        for (let v = 0; v < component.down; v++)
          for (let h = 0; h < component.across; h++) {
            const offset = (top * component.down + v) * 8 * plane.stride + (left * component.across + h) * 8
            before[c] = scan.block(component, before[c] as number, plane, offset)
          }
      }
    }
    scan.finish(0xd9)
    return planes
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}
