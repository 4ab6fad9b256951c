import { createHash } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { mkdir, open } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib"

/** A file in a ZIP archive. Source: PKWARE's APPNOTE, 4.3.7 and 4.3.12. */
export interface ZipEntry {
  readonly path: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly offset: number
}

const damaged = (path: string, what: string) => new Error(`${path} is damaged: ${what}`)

const readAt = async (handle: FileHandle, at: number, length: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

/** The archive's list of files, which stands at its end: one that was cut has none. */
export const entriesOf = async (path: string): Promise<ReadonlyArray<ZipEntry>> => {
  const handle = await open(path, "r")
  try {
    const { size } = await handle.stat()
    const tail = await readAt(handle, Math.max(0, size - 65_557), Math.min(size, 65_557))
    const at = tail.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"))
    if (at < 0 || at + 22 > tail.length) throw damaged(path, "it has no list of files")
    const [count, length, start] = [tail.readUInt16LE(at + 10), tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
    if (start === 0xffffffff) throw damaged(path, "it is larger than 4 GiB")
    const list = await readAt(handle, start, length)
    const entries: Array<ZipEntry> = []
    for (let from = 0; entries.length < count;) {
      if (from + 46 > list.length || list.readUInt32LE(from) !== 0x02014b50) throw damaged(path, "its list is cut off")
      const nameLength = list.readUInt16LE(from + 28)
      entries.push({
        path: list.toString("utf8", from + 46, from + 46 + nameLength),
        method: list.readUInt16LE(from + 10),
        crc: list.readUInt32LE(from + 16),
        packed: list.readUInt32LE(from + 20),
        size: list.readUInt32LE(from + 24),
        offset: list.readUInt32LE(from + 42)
      })
      from += 46 + nameLength + list.readUInt16LE(from + 30) + list.readUInt16LE(from + 32)
    }
    return entries
  } finally {
    await handle.close()
  }
}

const startOf = async (path: string, { offset }: ZipEntry): Promise<number> => {
  const handle = await open(path, "r")
  try {
    const head = await readAt(handle, offset, 30)
    if (head.length < 30 || head.readUInt32LE(0) !== 0x04034b50) throw damaged(path, "a file is not where it should be")
    return offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28)
  } finally {
    await handle.close()
  }
}

/** A small file's text. */
export const readText = async (path: string, entry: ZipEntry): Promise<string> => {
  const start = await startOf(path, entry)
  const handle = await open(path, "r")
  try {
    const packed = await readAt(handle, start, entry.packed)
    return (entry.method === 0 ? packed : inflateRawSync(packed)).toString("utf8")
  } finally {
    await handle.close()
  }
}

/**
 * Writes a file of the archive under `folder`, its checksum compared; its SHA-256 as wheels write it (base64, URL-safe).
 * `onSize` is told how many bytes are written.
 */
export const extract = async (
  path: string,
  entry: ZipEntry,
  folder: string,
  onSize: (size: number) => void,
  signal: AbortSignal
): Promise<string> => {
  const target = join(folder, entry.path)
  await mkdir(dirname(target), { recursive: true })
  const start = await startOf(path, entry)
  const hash = createHash("sha256")
  let crc = 0
  let size = 0
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      crc = crc32(chunk, crc)
      size += chunk.length
      onSize(size)
      hash.update(chunk)
      done(null, chunk)
    }
  })
  const source =
    entry.packed === 0
      ? [Buffer.alloc(0)]
      : createReadStream(path, { start, end: start + entry.packed - 1, highWaterMark: 1 << 20 })
  const out = createWriteStream(target, { flush: true })
  if (entry.method === 0) await pipeline(source, watch, out, { signal })
  else await pipeline(source, createInflateRaw({ chunkSize: 1 << 20 }), watch, out, { signal })
  if (crc !== entry.crc || size !== entry.size) throw damaged(path, `the checksum of ${entry.path} is another`)
  return hash.digest("base64url")
}
