import type { Entry } from "../../../src/layers/storage/ContentStore.ts"
import { draw } from "../../../src/pipeline/draw.ts"

/** A space's name; `letter` is one hexadecimal digit. */
export const spaceOf = (letter: string) => letter.repeat(64)

export const keyOf = (n: number) => n.toString(16).padStart(64, "0")

/** An entry of a key, the same one each time. */
export const entryOf = (n: number, length = 105): Entry => {
  const { below } = draw("store", n)
  return { key: keyOf(n), note: n * 3, bytes: Uint8Array.from({ length }, () => below(256)) }
}
