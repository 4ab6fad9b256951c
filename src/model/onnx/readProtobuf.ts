/**
 * Reads Protocol Buffers without a schema: what a reader does not know is kept as it is, and no tensor is copied.
 *
 * protobufjs 8.8.1 wants a schema, of which npm has none that is kept (onnx-proto is of 2022), decodes every field and
 * loses those that are newer than the schema.
 */

/** A field: a number (VARINT), or the bytes of all else, a view of what was read. */
export interface ReadField {
  readonly number: number
  readonly value: number | Uint8Array
}

/** The bytes are not a message of Protocol Buffers. */
const broken = (at: number) => new Error(`it is damaged or cut off: byte ${at} is not of an ONNX file`)

/** A varint's value and where it ends; numbers of 64 bits below 0 come out as they are. */
const varint = (bytes: Uint8Array, from: number): readonly [value: number, end: number] => {
  let value = 0n
  for (let i = 0; i < 10; i++) {
    const byte = bytes[from + i]
    if (byte === undefined) break
    value |= BigInt(byte & 127) << BigInt(7 * i)
    if (byte < 128) return [Number(BigInt.asIntN(64, value)), from + i + 1]
  }
  throw broken(from)
}

/**
 * A message's fields, in their order. Throws an Error where the bytes are no message.
 *
 * Source: https://protobuf.dev/programming-guides/encoding.
 */
export const fieldsOf = (bytes: Uint8Array): ReadonlyArray<ReadField> => {
  const fields: Array<ReadField> = []
  let at = 0
  while (at < bytes.length) {
    const [key, begin] = varint(bytes, at)
    const number = Math.floor(key / 8)
    if (number < 1) throw broken(at)
    let from = begin
    let length = 0
    switch (key % 8) {
      case 0: {
        const [value, end] = varint(bytes, from)
        fields.push({ number, value })
        at = end
        continue
      }
      case 1:
        length = 8
        break
      case 2:
        ;[length, from] = varint(bytes, from)
        break
      case 5:
        length = 4
        break
      default:
        throw broken(at)
    }
    if (length < 0 || from + length > bytes.length) throw broken(at)
    fields.push({ number, value: bytes.subarray(from, from + length) })
    at = from + length
  }
  return fields
}

const isBytes = (value: ReadField["value"]): value is Uint8Array => typeof value !== "number"

/** The values of a field that are bytes: messages, texts, or packed numbers. */
export const bytesIn = (fields: ReadonlyArray<ReadField>, number: number): ReadonlyArray<Uint8Array> =>
  fields.flatMap((field) => (field.number === number && isBytes(field.value) ? [field.value] : []))

const decoder = new TextDecoder()

/** The values of a field as texts. */
export const textsIn = (fields: ReadonlyArray<ReadField>, number: number): ReadonlyArray<string> =>
  bytesIn(fields, number).map((bytes) => decoder.decode(bytes))

/** The first value of a field as a text; empty where there is none, as Protocol Buffers have it. */
export const textIn = (fields: ReadonlyArray<ReadField>, number: number): string => textsIn(fields, number)[0] ?? ""

/** The values of a field of whole numbers, packed or not. */
export const numbersIn = (fields: ReadonlyArray<ReadField>, number: number): ReadonlyArray<number> =>
  fields.flatMap((field) => {
    if (field.number !== number) return []
    if (!isBytes(field.value)) return [field.value]
    const packed: Array<number> = []
    for (let at = 0; at < field.value.length;) {
      const [value, end] = varint(field.value, at)
      packed.push(value)
      at = end
    }
    return packed
  })
