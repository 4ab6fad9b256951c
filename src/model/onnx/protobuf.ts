/** A message of Protocol Buffers as numbered fields; a field that repeats is there several times. */
export type Message = ReadonlyArray<Field>

/** A field's number, and its value: a whole number, text, bytes or another message. */
export type Field = readonly [number: number, value: number | string | Uint8Array | Message]

/** A piece that is written down: a number in base 128, or bytes as they are. */
type Piece = number | Uint8Array

/** Bytes of a whole number in base 128. */
const widthOf = (value: number): number => {
  let width = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) width++
  return width
}

const sizeOf = (piece: Piece): number => (typeof piece === "number" ? widthOf(piece) : piece.length)

/** A whole number below 0 is written as if it had 64 bits without a sign, which are ten bytes. */
const negative = (value: number): Uint8Array => {
  let rest = BigInt.asUintN(64, BigInt(value))
  return Uint8Array.from({ length: 10 }, (_, i) => {
    const seven = Number(rest & 127n)
    rest >>= 7n
    return i < 9 ? seven + 128 : seven
  })
}

/** A message's pieces, in their order, and its bytes in all: a length stands before what it counts. */
const flatten = (message: Message): { readonly pieces: ReadonlyArray<Piece>; readonly size: number } => {
  const pieces: Array<Piece> = []
  const isMessage = (value: Field[1]): value is Message => Array.isArray(value)
  for (const [number, value] of message) {
    if (typeof value === "number") {
      pieces.push(number * 8, value < 0 ? negative(value) : value)
      continue
    }
    pieces.push(number * 8 + 2)
    if (isMessage(value)) {
      const inner = flatten(value)
      pieces.push(inner.size)
      for (const piece of inner.pieces) pieces.push(piece)
    } else {
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value
      pieces.push(bytes.length, bytes)
    }
  }
  return { pieces, size: pieces.reduce<number>((sum, piece) => sum + sizeOf(piece), 0) }
}

/** What a message may have at most, bytes: readers count in 31 bits. */
const most = 2 ** 31 - 1

/**
 * The message's bytes, in one buffer that is made once: of large tensors there is never a second copy. Throws a
 * RangeError above 2 GiB, which no reader takes.
 *
 * Source: https://protobuf.dev/programming-guides/encoding, of which it writes VARINT and LEN.
 */
export const encode = (message: Message): Uint8Array<ArrayBuffer> => {
  const { pieces, size } = flatten(message)
  if (size > most) throw new RangeError(`the model has ${size} bytes, and Protocol Buffers end at ${most}`)
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    if (typeof piece !== "number") {
      bytes.set(piece, at)
      at += piece.length
      continue
    }
    let rest = piece
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) + 128
    bytes[at++] = rest
  }
  return bytes
}
