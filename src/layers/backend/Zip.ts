/**
 * ZIP archives, read by yauzl (exact version in package.json): it reads ZIP64, holds no more than a list and a chunk in
 * memory, ends a file that has more bytes than its entry says, and refuses an archive with a path that leaves its folder.
 * It compares no checksums: they are compared here.
 */
import { createHash } from "node:crypto"
import { createWriteStream } from "node:fs"
import { mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Transform } from "node:stream"
import { buffer } from "node:stream/consumers"
import { pipeline } from "node:stream/promises"
import { crc32 } from "node:zlib"
import type { Entry, ZipFile } from "yauzl"
import { openPromise } from "yauzl"

/** An open archive, and its files. */
export interface Zip {
  readonly file: ZipFile
  readonly entries: ReadonlyArray<Entry>
}

const differs = ({ fileName }: Entry) => new Error(`the checksum of ${fileName} is another`)

/** Reads the archive's list of files, which stands at its end (one that was cut has none), and uses it. */
export const withZip = async <A>(path: string, use: (zip: Zip) => Promise<A>): Promise<A> => {
  const file = await openPromise(path, { autoClose: false })
  try {
    const entries: Array<Entry> = []
    for await (const entry of file.eachEntry()) entries.push(entry)
    return await use({ file, entries })
  } finally {
    file.close()
  }
}

/** A small file's text. */
export const readText = async ({ file }: Zip, entry: Entry): Promise<string> => {
  const bytes = await buffer(await file.openReadStreamPromise(entry))
  if (crc32(bytes) !== entry.crc32) throw differs(entry)
  return bytes.toString("utf8")
}

/**
 * Writes a file of the archive under `folder`, its checksum compared; its SHA-256 as wheels write it (base64, URL-safe).
 * `onSize` is called with how many bytes are written.
 */
export const extract = async (
  { file }: Zip,
  entry: Entry,
  folder: string,
  onSize: (size: number) => void,
  signal: AbortSignal
): Promise<string> => {
  const target = join(folder, entry.fileName)
  await mkdir(dirname(target), { recursive: true })
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
  const out = createWriteStream(target, { flush: true })
  await pipeline(await file.openReadStreamPromise(entry), watch, out, { signal })
  if (crc !== entry.crc32) throw differs(entry)
  return hash.digest("base64url")
}
