import { isUtf8 } from "node:buffer"

/** Physical lines of a file, in their order. */
export interface Lines {
  /** Without their line breaks. */
  readonly texts: ReadonlyArray<string>
  /** What is wrong with single lines, by their index in `texts`. */
  readonly faults: ReadonlyMap<number, LineFault>
}

/** `notUtf8`: U+FFFD stands for what could not be read. `tooLong`: only the line's beginning is there. */
export type LineFault = "notUtf8" | "tooLong"

/** The longest line, and the longest row over several lines, in bytes and in characters: 16 MiB. */
export const longest = 16 * 2 ** 20

/** What is said of a line with a fault. */
export const faultDetail: Readonly<Record<LineFault, string>> = {
  notUtf8: "bytes that are not UTF-8, shown as \uFFFD",
  tooLong: `the line has more than ${longest / 2 ** 20} MiB`
}

/** Nothing but white space: no row. */
export const isBlank = (text: string): boolean => text === "" || (text.charCodeAt(0) <= 32 && text.trim() === "")

/**
 * A copy of the text. V8 makes a substring of 13 characters or more a pointer into the block of the file that it is from,
 * which would keep the whole block in memory.
 */
export const detach = (text: string): string => (text.length < 13 ? text : Buffer.from(text, "utf8").toString("utf8"))

const newline = 10
const carriageReturn = 13
const none: Lines = { texts: [], faults: new Map() }

/** Bytes of a line above `longest` that are kept, for the refusal's text. */
const keptOfLong = 4096

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
    return { texts: text.includes("\r") ? lines.map(withoutReturn) : lines, faults: none.faults }
  }
  const parts = splitBytes(bytes, separator)
  return {
    texts: parts.map((part) => withoutReturn(part.toString("utf8"))),
    faults: new Map(parts.flatMap((part, index) => (isUtf8(part) ? [] : [[index, "notUtf8"] as const])))
  }
}

/** Splits a file's bytes into lines, as they come. */
export interface LineSplitter {
  /** The lines that these bytes complete. */
  readonly push: (chunk: Uint8Array) => Lines
  /** The last line, where the file does not end with a line break. */
  readonly end: () => Lines
}

/**
 * Splits at LF or CRLF, also mixed; or at CR (as old Macs wrote it) where the first chunk has CR and no LF. A byte order
 * mark is left out. Of a line above `longest` only the beginning is kept, so that a file without line breaks does not fill
 * the memory.
 */
export const makeLineSplitter = (): LineSplitter => {
  let separator: number | undefined
  /** The bytes of the line that is not complete yet, and their number. */
  let pending: Array<Buffer> = []
  let size = 0
  let atStart = true

  const hold = (bytes: Buffer) => {
    size += bytes.length
    // Bytes above `longest` are dropped; `size` goes on counting.
    if (size <= longest) pending.push(bytes)
    else if (pending.length > 1 || (pending[0]?.length ?? 0) !== keptOfLong)
      pending = [Buffer.from(Buffer.concat([...pending, bytes]).subarray(0, keptOfLong))]
  }

  const decode = (bytes: Buffer) => {
    const marked = atStart && bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    atStart = false
    return decodeLines(marked ? bytes.subarray(3) : bytes, separator ?? newline)
  }

  /** The pending line with its last bytes, and the whole lines behind it. */
  const complete = (bytes: Buffer): Lines => {
    if (size <= longest) {
      const lines = pending.length === 0 ? bytes : Buffer.concat([...pending, bytes])
      pending = []
      size = 0
      return decode(lines)
    }
    const end = bytes.indexOf(separator ?? newline)
    const text = Buffer.concat(pending).toString("utf8")
    pending = []
    size = 0
    atStart = false
    const rest = end < 0 ? none : decode(bytes.subarray(end + 1))
    return {
      texts: [text, ...rest.texts],
      faults: new Map([[0, "tooLong"], ...[...rest.faults].map(([index, fault]) => [index + 1, fault] as const)])
    }
  }

  return {
    push: (chunk) => {
      if (chunk.length === 0) return none
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      separator ??= bytes.includes(newline) || !bytes.includes(carriageReturn) ? newline : carriageReturn
      const last = bytes.lastIndexOf(separator)
      if (last < 0) {
        hold(bytes)
        return none
      }
      const lines = complete(bytes.subarray(0, last))
      if (last + 1 < bytes.length) hold(bytes.subarray(last + 1))
      return lines
    },
    end: () => (size === 0 ? none : complete(Buffer.alloc(0)))
  }
}
