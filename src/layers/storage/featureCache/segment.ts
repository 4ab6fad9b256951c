import { open, stat } from "node:fs/promises"
import type { FileHandle } from "node:fs/promises"
import type { FeatureSpace } from "../../../model/FeatureSpace.ts"
import { decodeHeader, fixedSize, headerSizeOf, rowChecksum } from "./frame.ts"

/** A row in a segment: where its bytes begin, and their checksum. */
export interface Place {
  readonly segment: string
  readonly at: number
  readonly checksum: number
}

/** Read at once: a header of a hundred rows, as most are. */
const usualHeader = 4096

/** Rows are read together across what lies between them, up to so many bytes, and in pieces of so many. */
const widestGap = 65_536
const largestPiece = 4_194_304

const withFile = async <A>(path: string, flags: string, use: (file: FileHandle) => Promise<A>): Promise<A> => {
  const file = await open(path, flags)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

const bytesAt = async (file: FileHandle, at: number, length: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, at + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return buffer.subarray(0, read)
}

/**
 * Finds the rows of a segment's frames from `from` on, and says how far it got: a frame that is not complete, or whose
 * header is not as it was written, ends the search. A writer may complete it later.
 */
export const scan = async (
  path: string,
  space: FeatureSpace,
  from: number,
  found: (key: string, at: number, checksum: number) => void
): Promise<number> => {
  const { size } = await stat(path)
  if (size <= from) return from
  return withFile(path, "r", async (file) => {
    let at = from
    while (at + fixedSize <= size) {
      const usual = await bytesAt(file, at, Math.min(usualHeader, size - at))
      const length = headerSizeOf(usual, space)
      if (length === undefined || at + length > size) break
      const header = decodeHeader(
        length <= usual.length ? usual.subarray(0, length) : await bytesAt(file, at, length),
        space
      )
      if (header === undefined || at + header.size > size) break
      for (const [i, key] of header.keys.entries())
        found(key, at + header.start + i * space.length * 4, header.checksums[i]!) // one a key
      at += header.size
    }
    return at
  })
}

/** A row that is wanted: which, and where it lies. */
export interface Wanted extends Place {
  readonly row: number
}

/** Rows that lie close together, in the order in which they lie. */
const piecesOf = (wanted: ReadonlyArray<Wanted>, rowSize: number) => {
  const pieces: Array<Array<Wanted>> = []
  let last: Array<Wanted> = []
  for (const place of [...wanted].sort((a, b) => a.at - b.at)) {
    const end = last.length === 0 ? 0 : last.at(-1)!.at + rowSize
    const joins = last.length > 0 && place.at - end <= widestGap && place.at + rowSize - last[0]!.at <= largestPiece
    if (!joins) pieces.push((last = []))
    last.push(place)
  }
  return pieces
}

/** Reads rows into their places in `into`; gives back those whose bytes are not those that were written. */
export const readRows = (
  path: string,
  wanted: ReadonlyArray<Wanted>,
  into: Uint8Array,
  rowSize: number
): Promise<ReadonlyArray<Wanted>> =>
  withFile(path, "r", async (file) => {
    const lost: Array<Wanted> = []
    for (const piece of piecesOf(wanted, rowSize)) {
      const first = piece[0]!.at // a piece has at least one row
      const bytes = await bytesAt(file, first, piece.at(-1)!.at + rowSize - first)
      for (const place of piece) {
        const row = bytes.subarray(place.at - first, place.at - first + rowSize)
        if (row.length < rowSize || rowChecksum(row) !== place.checksum) lost.push(place)
        else into.set(row, place.row * rowSize)
      }
    }
    return lost
  })

/** Writes bytes at the end of a segment, which is at `at`. Fails where there is no such file. */
export const append = (path: string, bytes: Uint8Array, at: number): Promise<void> =>
  withFile(path, "r+", async (file) => {
    let written = 0
    while (written < bytes.length)
      written += (await file.write(bytes, written, bytes.length - written, at + written)).bytesWritten
  })

/** Makes an empty segment; fails where there is a file of that name. */
export const create = (path: string): Promise<void> => withFile(path, "wx", () => Promise.resolve())
