import { isUtf8 } from "node:buffer"

/** Physical lines of a file, in their order. */
export interface Lines {
  /** Without their line breaks. */
  readonly texts: ReadonlyArray<string>
  /** Indexes of the lines whose bytes are not UTF-8; U+FFFD stands for what could not be read. */
  readonly broken: ReadonlySet<number>
}

const newline = 10
const carriageReturn = 13
const none: Lines = { texts: [], broken: new Set() }

/** Splits bytes at a line break, which is one byte and never part of another character in UTF-8. */
const splitBytes = (bytes: Buffer, separator: number): ReadonlyArray<Buffer> => {
  const parts: Array<Buffer> = []
  let from = 0
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, from)) {
    parts.push(bytes.subarray(from, at))
    from = at + 1
  }
  parts.push(bytes.subarray(from))
  return parts
}

const withoutReturn = (line: string): string => (line.endsWith("\r") ? line.slice(0, -1) : line)

const decodeLines = (bytes: Buffer, separator: number): Lines => {
  if (isUtf8(bytes)) {
    const text = bytes.toString("utf8")
    const lines = text.split(separator === newline ? "\n" : "\r")
    return { texts: text.includes("\r") ? lines.map(withoutReturn) : lines, broken: none.broken }
  }
  const parts = splitBytes(bytes, separator)
  return {
    texts: parts.map((part) => withoutReturn(part.toString("utf8"))),
    broken: new Set(parts.flatMap((part, index) => (isUtf8(part) ? [] : [index])))
  }
}

/** Cuts a file's bytes into lines, as they come. */
export interface LineSplitter {
  /** The lines that these bytes complete. */
  readonly push: (chunk: Uint8Array) => Lines
  /** What is left when there is no more: the last line, where it has no line break. */
  readonly end: () => Lines
}

/**
 * A splitter at LF or CRLF, mixed as they may be; at CR in a file without any LF (as old Macs wrote them), which the
 * first chunk tells. A byte order mark is left out.
 */
export const makeLineSplitter = (): LineSplitter => {
  let separator: number | undefined
  let pending: Array<Buffer> = []
  let atStart = true
  const decode = (bytes: Buffer) => {
    const marked = atStart && bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    atStart = false
    return decodeLines(marked ? bytes.subarray(3) : bytes, separator ?? newline)
  }
  return {
    push: (chunk) => {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      separator ??= bytes.includes(newline) || !bytes.includes(carriageReturn) ? newline : carriageReturn
      const last = bytes.lastIndexOf(separator)
      if (last < 0) {
        pending.push(bytes)
        return none
      }
      const whole = Buffer.concat([...pending, bytes.subarray(0, last)])
      pending = last + 1 < bytes.length ? [bytes.subarray(last + 1)] : []
      return decode(whole)
    },
    end: () => {
      if (pending.length === 0) return none
      const whole = Buffer.concat(pending)
      pending = []
      return decode(whole)
    }
  }
}
