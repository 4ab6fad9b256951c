import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import type { Pixels } from "../../../pipeline/Pixels.ts"

/** Where an image's pixels are in a pack. */
export interface Place {
  readonly pack: Pack
  readonly offset: number
  readonly height: number
  readonly width: number
  readonly crc: number
}

/** A file of images: only ever added to, and by one thread. */
export interface Pack {
  readonly path: string
  readonly file: number
  /** Up to where its records are known. */
  known: number
  /** Whether something was read from it here. */
  isUsed: boolean
}

const suffix = ".pixels"
/** Of a record: 32 bytes of key; height, width and CRC-32 of the pixels, which follow. Words are little-endian. */
const headBytes = 44

/** A folder's packs, those that were written to last at the end. */
export const packsIn = (folder: string): ReadonlyArray<{ readonly path: string; readonly size: number }> =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .flatMap((name) => {
      const path = join(folder, name)
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? [] : [{ path, size: Number(stat.size), time: stat.mtimeNs }]
    })
    .sort((a, b) => Number(a.time - b.time))

/** Opens a pack to read it; undefined where another process has just removed it. */
export const openPack = (path: string): Pack | undefined => {
  try {
    return { path, file: openSync(path, "r"), known: 0, isUsed: false }
  } catch {
    return undefined
  }
}

/** Begins a pack of a name that is nobody else's. */
export const createPack = (folder: string, name: string): Pack => {
  const path = join(folder, `${name}${suffix}`)
  return { path, file: openSync(path, "wx+"), known: 0, isUsed: false }
}

export const closePack = ({ file }: Pack): void => closeSync(file)

/** Removes a pack's file; who has it open reads on, where the system allows that, or else it stays. */
export const removePack = (path: string): void => {
  try {
    rmSync(path, { force: true })
  } catch {
    // In use, on Windows.
  }
}

/** Calls back for each record that was added since this was last asked. What is written in part waits for the rest. */
export const readOn = (pack: Pack, found: (key: string, place: Place) => void): void => {
  const { size } = fstatSync(pack.file)
  const head = Buffer.alloc(headBytes)
  while (pack.known + headBytes <= size) {
    readSync(pack.file, head, 0, headBytes, pack.known)
    const [height, width, crc] = [head.readUInt32LE(32), head.readUInt32LE(36), head.readUInt32LE(40)]
    const offset = pack.known + headBytes
    const end = offset + height * width * 3
    // After a power cut there may be zeros: nothing behind them can be told apart.
    if (height === 0 || width === 0 || end > size) return
    pack.known = end
    found(head.toString("hex", 0, 32), { pack, offset, height, width, crc })
  }
}

/** An image of a pack; undefined where its bytes are not those that were written. */
export const readPixels = ({ crc, height, offset, pack, width }: Place): Pixels | undefined => {
  const data = new Uint8Array(height * width * 3)
  const whole = readSync(pack.file, data, 0, data.length, offset) === data.length && crc32(data) === crc
  return whole ? { height, width, data } : undefined
}

/** Adds an image; throws where the disk has no room for all of it. `key` has 32 bytes, in hex. */
export const addPixels = (pack: Pack, key: string, { data, height, width }: Pixels): Place => {
  const record = Buffer.alloc(headBytes + data.length)
  record.write(key, "hex")
  const crc = crc32(data)
  for (const [i, word] of [height, width, crc].entries()) record.writeUInt32LE(word, 32 + 4 * i)
  record.set(data, headBytes)
  const offset = pack.known + headBytes
  if (writeSync(pack.file, record, 0, record.length, pack.known) < record.length) throw new Error("the disk is full")
  pack.known += record.length
  return { pack, offset, height, width, crc }
}
