import { Context, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import type { BigIntStats } from "node:fs"
import { dirname, join } from "node:path"
import { crc32 } from "node:zlib"
import type { ImageFacts } from "../../pipeline/Images.ts"
import { elementAt } from "../../pipeline/elementAt.ts"
import { cacheFolder } from "../storage/cacheFolder.ts"
import { decoders } from "./decoders.ts"

/** What a check has found, without the file's name. */
export type Found = Omit<ImageFacts, "path">

/** What earlier checks of images have found: a file is decoded once, and not read again until it changes. */
export interface Checks {
  /** Of a file that is as it was when it was checked. */
  readonly ofFile: (file: BigIntStats) => Found | undefined
  /** Of bytes, by their SHA-256, whatever file they were in. */
  readonly ofContent: (digest: string) => Found | undefined
  /** Keeps what was found, with the file's state where that was the same before and after it was read. */
  readonly keep: (found: Found, file: BigIntStats | undefined) => void
}

/** Nothing is remembered unless a Layer provides it. */
export const Checks = Context.Reference<Checks>("weft/layers/images/Checks", {
  defaultValue: () => ({ ofFile: () => undefined, ofContent: () => undefined, keep: () => {} })
})

/**
 * File systems keep times in steps of up to two seconds (FAT): a file that was written so shortly before it is looked at
 * may be written again, and keep its times.
 */
const step = 2_000_000_000n

/**
 * Whether a file that is written after it was looked at (`now`, in milliseconds since 1970) will show it by its times.
 */
export const isSettled = ({ ctimeNs, mtimeNs }: BigIntStats, now: number): boolean => {
  const latest = ctimeNs > mtimeNs ? ctimeNs : mtimeNs
  return latest + step < BigInt(Math.floor(now)) * 1_000_000n
}

/** Whether a file is the same, as far as the system tells. */
export const isSameState = (a: BigIntStats, b: BigIntStats): boolean => stateOf(a) === stateOf(b)

const stateOf = ({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats) => [dev, ino, size, mtimeNs, ctimeNs].join(" ")

const keyOf = (file: BigIntStats) => createHash("sha256").update(stateOf(file)).digest().subarray(0, stateBytes)

const stateBytes = 16
const digestBytes = 32
const looksBytes = 32
const formatBytes = 8

/**
 * Of a record: the first bytes of the SHA-256 of the file's state (zeros where it is not known), the content's SHA-256,
 * height, width, channels, whether there is a fingerprint, the format's name, the fingerprint, and a CRC-32 of all that.
 */
const at = {
  state: 0,
  digest: 16,
  height: 48,
  width: 52,
  channels: 56,
  hasLooks: 57,
  format: 58,
  looks: 66,
  crc: 98
} as const
const recordBytes = 102

const noState = Buffer.alloc(stateBytes)

const encode = (
  { channels, digest, fingerprint, format, height, width }: Found,
  file: BigIntStats | undefined
): Buffer => {
  const record = Buffer.alloc(recordBytes)
  if (file !== undefined) keyOf(file).copy(record, at.state)
  record.write(digest, at.digest, "hex")
  record.writeUInt32LE(height, at.height)
  record.writeUInt32LE(width, at.width)
  record.writeUInt8(channels, at.channels)
  record.writeUInt8(fingerprint === undefined ? 0 : 1, at.hasLooks)
  record.write(format, at.format, "latin1")
  if (fingerprint !== undefined) record.write(fingerprint, at.looks, "hex")
  record.writeUInt32LE(crc32(record.subarray(0, at.crc)), at.crc)
  return record
}

const decode = (record: Buffer): Found => ({
  height: record.readUInt32LE(at.height),
  width: record.readUInt32LE(at.width),
  channels: record.readUInt8(at.channels),
  format: record.toString("latin1", at.format, at.format + formatBytes).replace(/\0+$/, ""),
  digest: record.toString("hex", at.digest, at.digest + digestBytes),
  ...(record.readUInt8(at.hasLooks) === 1 && { fingerprint: record.toString("hex", at.looks, at.looks + looksBytes) })
})

const fits = ({ digest, fingerprint = "", format }: Found) =>
  digest.length === 2 * digestBytes && format.length <= formatBytes && [0, 2 * looksBytes].includes(fingerprint.length)

/**
 * Places of records by a part of them, a hash table of 4 bytes a slot: a million objects would take a hundred times
 * that.
 */
class Index {
  readonly #from: number
  readonly #length: number
  #slots = new Int32Array(1 << 12).fill(-1)
  #used = 0

  /** The key of a record is `length` bytes of it. They are parts of hashes, so that they need no other hash. */
  constructor(from: number, length: number) {
    this.#from = from
    this.#length = length
  }

  /** The slot of a key: with its record, or free. */
  #slotOf(slots: Int32Array, key: Buffer, recordAt: (place: number) => Buffer): number {
    let slot = key.readUInt32LE(0) & (slots.length - 1)
    for (;;) {
      const place = slots[slot] ?? -1
      if (
        place < 0 ||
        recordAt(place)
          .subarray(this.#from, this.#from + this.#length)
          .equals(key)
      )
        return slot
      slot = (slot + 1) & (slots.length - 1)
    }
  }

  find(key: Buffer, recordAt: (place: number) => Buffer): number | undefined {
    const place = this.#slots[this.#slotOf(this.#slots, key, recordAt)] ?? -1
    return place < 0 ? undefined : place
  }

  /** Adds a record, in the place of an earlier one with its key. */
  add(place: number, recordAt: (place: number) => Buffer): void {
    const keyOf = (one: number) => recordAt(one).subarray(this.#from, this.#from + this.#length)
    if (2 * this.#used >= this.#slots.length) {
      const larger = new Int32Array(2 * this.#slots.length).fill(-1)
      for (const one of this.#slots) if (one >= 0) larger[this.#slotOf(larger, keyOf(one), recordAt)] = one
      this.#slots = larger
    }
    const slot = this.#slotOf(this.#slots, keyOf(place), recordAt)
    if ((this.#slots[slot] ?? -1) < 0) this.#used++
    this.#slots[slot] = place
  }
}

/** Where checks are kept, and from how many on. */
export interface ChecksSettings {
  readonly folder: string
  /** Fewer checks in one process are not written: doing them again is quick. */
  readonly least: number
  /** Records of a file that is begun anew when it has more. */
  readonly most: number
}

/** Records of one write. A process that is killed loses no more checks than this. */
const together = 500

/**
 * Checks in a file that only grows. It is read when the first check is asked for, and a record that is not whole (of a
 * process that was killed) is passed over. A disk that fails costs time, and does not stop the run.
 */
export class CheckFile implements Checks {
  readonly #path: string
  readonly #settings: ChecksSettings
  readonly #states = new Index(at.state, stateBytes)
  readonly #contents = new Index(at.digest, digestBytes)
  /** What was read, and what came since. */
  #read: Buffer | undefined
  #added: Array<Buffer> = []
  #written = 0
  #isBroken = false

  constructor(settings: ChecksSettings) {
    this.#settings = settings
    // Other decoders may find other things, and other weights of colour another fingerprint.
    const space = createHash("sha256").update(decoders).digest("hex").slice(0, 16)
    this.#path = join(settings.folder, `${space}.checks`)
  }

  readonly #recordAt = (place: number): Buffer => {
    const read = this.#read ?? Buffer.alloc(0)
    const from = place * recordBytes
    return from < read.length
      ? read.subarray(from, from + recordBytes)
      : elementAt(this.#added, place - read.length / recordBytes)
  }

  #load(): void {
    if (this.#read !== undefined) return
    this.#read = Buffer.alloc(0)
    try {
      const bytes = readFileSync(this.#path)
      if (bytes.length > this.#settings.most * recordBytes) return writeFileSync(this.#path, "")
      this.#read = this.#wholeRecords(bytes)
      for (let place = 0; place < this.#read.length / recordBytes; place++) this.#index(place)
    } catch {
      // There is none yet, or it cannot be read: all is checked.
    }
  }

  /** Records without those that are torn: after one, the next is looked for byte by byte. */
  #wholeRecords(bytes: Buffer): Buffer {
    const isWhole = (from: number) => bytes.readUInt32LE(from + at.crc) === crc32(bytes.subarray(from, from + at.crc))
    let from = 0
    let to = 0
    while (from + recordBytes <= bytes.length)
      if (isWhole(from)) {
        if (from !== to) bytes.copyWithin(to, from, from + recordBytes)
        from += recordBytes
        to += recordBytes
      } else from++
    return bytes.subarray(0, to)
  }

  #index(place: number): void {
    const record = this.#recordAt(place)
    if (!record.subarray(at.state, stateBytes).equals(noState)) this.#states.add(place, this.#recordAt)
    this.#contents.add(place, this.#recordAt)
  }

  #find(index: Index, key: Buffer): Found | undefined {
    this.#load()
    const place = index.find(key, this.#recordAt)
    return place === undefined ? undefined : decode(this.#recordAt(place))
  }

  ofFile = (file: BigIntStats): Found | undefined => this.#find(this.#states, keyOf(file))

  ofContent = (digest: string): Found | undefined => this.#find(this.#contents, Buffer.from(digest, "hex"))

  keep = (found: Found, file: BigIntStats | undefined): void => {
    if (!fits(found)) return
    this.#load()
    this.#added.push(encode(found, file))
    this.#index((this.#read?.length ?? 0) / recordBytes + this.#added.length - 1)
    const { least } = this.#settings
    if (this.#added.length >= least && this.#added.length - this.#written >= together) this.flush()
  }

  /** Writes what was not written yet, where it is worth a file. */
  flush = (): void => {
    const fresh = this.#added.slice(this.#written)
    if (this.#isBroken || fresh.length === 0 || this.#added.length < this.#settings.least) return
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      appendFileSync(this.#path, Buffer.concat(fresh))
      this.#written = this.#added.length
    } catch {
      this.#isBroken = true
    }
  }
}

/** Checks in a folder, written when their Scope closes at the latest. */
export const layerWith = (settings: ChecksSettings) =>
  Layer.effect(
    Checks,
    Effect.acquireRelease(
      Effect.sync(() => new CheckFile(settings)),
      (file) => Effect.sync(file.flush)
    )
  )

/** Checks under the machine's cache, as features are: what a file is does not depend on the run. */
export const layer = Layer.unwrap(
  Effect.sync(() => layerWith({ folder: join(cacheFolder(), "checks"), least: 1000, most: 5_000_000 }))
)
