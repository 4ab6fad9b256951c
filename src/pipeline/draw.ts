const encoder = new TextEncoder()

/**
 * MurmurHash3's 32-bit finaliser: every bit of the input changes half of the output's.
 *
 * Source: A. Appleby, MurmurHash3.cpp, `fmix32`.
 */
export const fmix32 = (x: number): number => {
  let h = x | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** FNV-1a over the UTF-8 bytes, 32 bits, from a given state. Source: Fowler, Noll, Vo. */
export const fnv1a32 = (text: string, state = 0x811c9dc5): number => {
  let h = state | 0
  for (const byte of encoder.encode(text)) h = Math.imul(h ^ byte, 0x01000193)
  return h >>> 0
}

/**
 * A 32-bit key from any number of parts; the same parts in the same order give the same key, on every machine.
 *
 * Parts are kept apart by their lengths: ("ab", "c") and ("a", "bc") differ.
 */
export const keyOf = (...parts: ReadonlyArray<string | number>): number => {
  let h = 0x9747b28c
  for (const part of parts) {
    const text = typeof part === "number" ? `#${part}` : part
    h = fmix32(fnv1a32(text, h ^ text.length))
  }
  return h
}

/** A stream of random numbers that depends on its key alone. */
export interface Draw {
  /** Uniform in [0, 1). */
  readonly next: () => number
  /** Uniform in [low, high). */
  readonly between: (low: number, high: number) => number
  /** A whole number in [0, n). */
  readonly below: (n: number) => number
  /** Standard normal. */
  readonly normal: () => number
}

/**
 * The stream of random numbers of a key: `draw(seed, epoch, id, "rotation")` never depends on what else was drawn.
 *
 * Generator: sfc32 of PractRand (C. Doty-Humphrey), seeded through `fmix32`, the first 12 outputs thrown away.
 * Normal numbers: Box and Muller, 1958.
 */
export const draw = (...parts: ReadonlyArray<string | number>): Draw => {
  let a = keyOf(...parts, "a")
  let b = keyOf(...parts, "b")
  let c = keyOf(...parts, "c")
  let counter = 1
  const bits = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) bits()
  const next = () => bits() / 4294967296
  let spare: number | undefined
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    below: (n) => Math.floor(next() * n),
    normal: () => {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()))
      const angle = 2 * Math.PI * next()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    }
  }
}
