import type { Code, Local } from "../../webassembly/assemble.ts"
import { Assembler } from "../../webassembly/assemble.ts"
import * as w from "../../webassembly/assemble.ts"
import * as o from "./opcodes.ts"

/** Bits of a bicubic coefficient's fraction. */
export const coefficientBits = 12
/** Bits of a coordinate's fraction, and of a bilinear weight: see `affine.ts`. */
export const placeBits = 18
export const weightBits = 11

// Where the two bytes of 16-bit numbers come from; 16 is a zero.
const pair = (a: number, b: number) => [a, 16, b, 16]
/** RGB RGB RGB RGB: the pairs of the first two pixels' channels, and of the last two. */
const firstTwo = [...pair(0, 3), ...pair(1, 4), ...pair(2, 5), 16, 16, 16, 16]
const lastTwo = [...pair(6, 9), ...pair(7, 10), ...pair(8, 11), 16, 16, 16, 16]
/** RGBX RGBX: the pairs of two neighbours. */
const neighbours = [...pair(0, 4), ...pair(1, 5), ...pair(2, 6), ...pair(3, 7)]
/** The 16-bit numbers of a and b in turn: of their first halves, of their second. */
const lower = [0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23]
const upper = lower.map((byte) => byte + 8)

const rounded = (value: Code, bits: number): Code =>
  o.shiftFourRight(o.addFour(value, o.four(w.int(1 << (bits - 1)))), w.int(bits))

/**
 * `across`: one row of RGB bytes to `count` pixels of four 16-bit channels. For each there is an entry of 12 bytes in
 * `taps`: the offset of the first of four neighbours, and two pairs of coefficients.
 */
const addAcross = (module: Assembler) =>
  module.add("across", ["i32", "i32", "i32", "i32"], ([from, to, taps, count], local) => {
    const four = local("v128")
    return w.during(
      w.get(count),
      w.set(four, w.load(w.add(w.get(from), o.loadInt(w.get(taps))))),
      o.storeHalf(
        w.get(to),
        o.narrowToShorts(
          rounded(
            o.addFour(
              o.dot(o.shuffle(w.get(four), w.zeros, firstTwo), o.four(o.loadInt(w.get(taps), 4))),
              o.dot(o.shuffle(w.get(four), w.zeros, lastTwo), o.four(o.loadInt(w.get(taps), 8)))
            ),
            coefficientBits
          ),
          w.zeros
        )
      ),
      w.advance(taps, w.int(12)),
      w.advance(to, w.int(8)),
      w.advance(count, w.int(-1))
    )
  })

/** `down`: four rows of 16-bit channels to one row of RGBX bytes, four pixels at a time (`count`, at least 1). */
const addDown = (module: Assembler) =>
  module.add("down", ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"], (params, local) => {
    const [r0, r1, r2, r3, to, c01, c23, count] = params
    const [v0, v1, v2, v3] = [local("v128"), local("v128"), local("v128"), local("v128")]
    const first = local("v128")
    const eight = (offset: number): Code => [
      w.set(v0, w.load(w.get(r0), offset)),
      w.set(v1, w.load(w.get(r1), offset)),
      w.set(v2, w.load(w.get(r2), offset)),
      w.set(v3, w.load(w.get(r3), offset)),
      o.narrowToShorts(sum(lower), sum(upper))
    ]
    const sum = (half: ReadonlyArray<number>): Code =>
      rounded(
        o.addFour(
          o.dot(o.shuffle(w.get(v0), w.get(v1), half), o.four(w.get(c01))),
          o.dot(o.shuffle(w.get(v2), w.get(v3), half), o.four(w.get(c23)))
        ),
        coefficientBits
      )
    return w.repeat(
      w.get(count),
      w.set(first, eight(0)),
      w.store(w.get(to), o.narrowToBytes(w.get(first), eight(16))),
      [r0, r1, r2, r3].map((row) => w.advance(row, w.int(32))),
      w.advance(to, w.int(16)),
      w.advance(count, w.int(-1))
    )
  })

/**
 * `turn`: twice `count` pixels of a row of RGBX bytes, each sampled bilinearly at (x, y) of the source (fixed-point, from
 * the centre of `from`'s first pixel), which moves on by (a, d). `weights` has a word for each dx: 1 - dx in the low half,
 * dx in the high one.
 */
const addTurn = (module: Assembler) =>
  module.add("turn", ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"], (params, local) => {
    const [from, stride, to, count, x, y, a, d, weights] = params
    const at = local("i32")
    const top = local("v128")
    const weight = local("v128")
    const first = local("v128")
    const row = (offset: Code): Code =>
      o.dot(o.shuffle(o.loadHalf(w.add(w.get(at), offset)), w.zeros, neighbours), w.get(weight))
    const cut = placeBits - weightBits
    const mask = (1 << weightBits) - 1
    const sample = (into: Local): Code => [
      w.set(
        at,
        w.add(
          w.get(from),
          w.add(
            w.mul(o.shiftRight(w.get(y), w.int(placeBits)), w.get(stride)),
            o.shiftLeft(o.shiftRight(w.get(x), w.int(placeBits)), w.int(2))
          )
        )
      ),
      w.set(weight, o.loadFour(w.add(w.get(weights), o.and(o.shiftRight(w.get(x), w.int(cut - 2)), w.int(mask << 2))))),
      w.set(top, row(w.int(0))),
      w.set(
        into,
        rounded(
          o.addFour(
            o.shiftFourLeft(w.get(top), w.int(weightBits)),
            o.mulFour(
              o.subFour(row(w.get(stride)), w.get(top)),
              o.four(o.and(o.shiftRight(w.get(y), w.int(cut)), w.int(mask)))
            )
          ),
          2 * weightBits
        )
      ),
      w.advance(x, w.get(a)),
      w.advance(y, w.get(d))
    ]
    return w.during(
      w.get(count),
      sample(first),
      sample(top),
      o.storeHalf(w.get(to), o.narrowToBytes(o.narrowToShorts(w.get(first), w.get(top)), w.zeros)),
      w.advance(to, w.int(8)),
      w.advance(count, w.int(-1))
    )
  })

/** `number`: one row of RGBX bytes to three floats a pixel, by a table of 256 for each channel. */
const addNumber = (module: Assembler) =>
  module.add("number", ["i32", "i32", "i32", "i32"], ([from, to, table, count]) => [
    w.during(
      w.get(count),
      [0, 1, 2].map((channel) =>
        o.storeFloat(
          w.get(to),
          o.loadFloat(w.add(w.get(table), o.shiftLeft(o.loadByte(w.get(from), channel), w.int(2))), channel * 1024),
          channel * 4
        )
      ),
      w.advance(from, w.int(4)),
      w.advance(to, w.int(12)),
      w.advance(count, w.int(-1))
    )
  ])

/** The inner loops; all take addresses in the memory that they were made over. */
export interface PixelRoutines {
  readonly across: (from: number, to: number, taps: number, count: number) => void
  readonly down: (...rows: ReadonlyArray<number>) => void
  readonly turn: (...place: ReadonlyArray<number>) => void
  readonly number: (from: number, to: number, table: number, count: number) => void
}

/** The bytes of a module with all of them. */
export const pixelModule = (): Uint8Array<ArrayBuffer> => {
  const module = new Assembler()
  addAcross(module)
  addDown(module)
  addTurn(module)
  addNumber(module)
  return module.bytes(false)
}
