/**
 * Bytes on disk by what they were made from: features of samples and decoded images, kept from run to run.
 *
 * A folder for each space (images of one size and decoder; features of one backbone and view), in it packs: files that only
 * grow, each written by one thread, kept open, and read by any number of processes. Nothing is locked. What a killed process
 * or a power cut has left half written is recognised by its length or its checksum, and is missing.
 *
 * All spaces together have `most` bytes (a sixteenth or 16 MiB more at most for each writer, whichever is less). The packs
 * that were not used for the longest time go first; those that this owner has used or written stay. Where these alone fill
 * the bound, nothing is added: of a data set that is larger than the cache a part stays and is found again in each epoch,
 * where the least recently used would always be the one that is wanted next.
 *
 * What its two users do differently is theirs: the feed has a store in each thread, puts image after image, and is silent
 * about a disk that fails (`PixelStore`); features are written and read by the batch, and a failure is reported
 * (`DiskFeatureCache`). Records may differ in length, so that features, which do not, need no format of their own. All
 * calls are synchronous: out of the page cache a record is read sooner than a thread of the pool is asked for it. It imports
 * no Effect, so that the feed's threads start fast.
 */
import { randomUUID } from "node:crypto"
import {
  closeSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { basename, dirname, join } from "node:path"
import { crc32 } from "node:zlib"

/** Where a store lies, and how much it may hold. */
export interface StoreSettings {
  /** The folder of all spaces. */
  readonly root: string
  /** SHA-256 of all that the bytes depend on beside the key, in hex. */
  readonly space: string
  /** Bytes of all spaces together. */
  readonly most: number
  /** A name that the threads of one process share, and no other process has: they remove none of each other's packs. */
  readonly owner: string
}

/** Some bytes, and what they are found by. */
export interface Entry {
  /** SHA-256 of what they were made from, in hex. */
  readonly key: string
  /** A whole number of 32 bits that the caller keeps with them: an image's width. */
  readonly note: number
  readonly bytes: Uint8Array
}

interface Pack {
  readonly path: string
  readonly file: number
  /** Up to where its records are known. */
  known: number
  /** When it was last used here, in milliseconds since 1970. */
  usedAt: number | undefined
}

interface Place {
  readonly pack: Pack
  readonly offset: number
  readonly size: number
  readonly note: number
  readonly crc: number
}

const suffix = ".pack"

/** Packs, and what Weft 0.1 wrote before it had them: nothing reads that any more, and it goes first. */
const removable = /\.(?:pack|pixels|features)$/

const spaceName = /^[\da-f]{64}$/

/**
 * Of a record: its key (32 bytes), length and note, CRC-32 of the bytes, CRC-32 of all this and of the space's name; the
 * bytes follow. Words are little-endian.
 */
const headBytes = 48

/** Bytes that are added between two looks at how large all packs are together. */
const largestStep = 2 ** 24

/** A pack's last use is noted at most so often, in milliseconds. */
const noteEvery = 60_000

const now = () => performance.timeOrigin + performance.now()

const isMissing = (cause: unknown) => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** What `action` gives; undefined where the file or folder is not there, as when another process has just removed it. */
const ifThere = <A>(action: () => A): A | undefined => {
  try {
    return action()
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}

/** Whether the system did it. */
const succeeds = (action: () => void): boolean => {
  try {
    action()
    return true
  } catch {
    return false
  }
}

/** Files of all spaces that may be removed, those that were not used for the longest time first. */
const filesIn = (root: string) =>
  (ifThere(() => readdirSync(root, { withFileTypes: true })) ?? [])
    .flatMap((entry) => {
      const path = join(root, entry.name)
      if (!entry.isDirectory()) return [path]
      return spaceName.test(entry.name) ? (ifThere(() => readdirSync(path)) ?? []).map((name) => join(path, name)) : []
    })
    .filter((path) => removable.test(path))
    .flatMap((path) => {
      const stat = statSync(path, { throwIfNoEntry: false })
      return stat === undefined ? [] : [{ path, size: stat.size, usedAt: path.endsWith(suffix) ? stat.mtimeMs : 0 }]
    })
    .sort((a, b) => a.usedAt - b.usedAt)

/** One space of the bytes on disk, as one thread sees it. Methods throw the system's errors. */
export class ContentStore {
  readonly #settings: StoreSettings
  readonly #folder: string
  readonly #step: number
  /** A pack is removed as a whole: none is to be too large a part of all, nor are there to be too many open files. */
  readonly #largestPack: number
  /** The checksum of the space's name, with which that of each head begins. */
  readonly #seed: number
  readonly #packs = new Map<string, Pack>()
  /** More than one where several threads have written the same key, or the first turned out to be damaged. */
  readonly #places = new Map<string, ReadonlyArray<Place>>()
  #own: Pack | undefined
  /** Bytes that may be written until the packs are looked at again. */
  #left = 0
  #isFull = false

  constructor(settings: StoreSettings) {
    const { most, root, space } = settings
    this.#settings = settings
    this.#folder = join(root, space)
    this.#step = Math.min(largestStep, most / 16)
    this.#largestPack = Math.max(2 * this.#step, most / 64)
    this.#seed = crc32(space)
  }

  has(key: string): boolean {
    return this.#places.has(key)
  }

  /** Takes up what others have added and removed. */
  refresh(): void {
    const names = ifThere(() => readdirSync(this.#folder)) ?? []
    const there = new Set(names.filter((name) => name.endsWith(suffix)).map((name) => join(this.#folder, name)))
    for (const [path, pack] of this.#packs) if (!there.has(path)) this.#forget(path, pack)
    for (const path of there) {
      const pack = this.#packs.get(path) ?? ifThere(() => this.#open(path, "r"))
      if (pack !== undefined && pack !== this.#own) this.#readOn(pack)
    }
  }

  #open(path: string, flags: string): Pack {
    const pack = { path, file: openSync(path, flags), known: 0, usedAt: undefined }
    this.#packs.set(path, pack)
    return pack
  }

  /** Finds what was added to a pack since this was last asked. A record that is not complete waits for its rest. */
  #readOn(pack: Pack): void {
    const { size: end } = fstatSync(pack.file)
    const head = Buffer.alloc(headBytes)
    while (pack.known + headBytes <= end) {
      readSync(pack.file, head, 0, headBytes, pack.known)
      const [size, note, crc] = [head.readUInt32LE(32), head.readUInt32LE(36), head.readUInt32LE(40)]
      const offset = pack.known + headBytes
      // Behind a damaged head nothing can be recognised.
      if (head.readUInt32LE(44) !== this.#headChecksum(head) || offset + size > end) return
      this.#add(head.toString("hex", 0, 32), { pack, offset, size, note, crc })
      pack.known = offset + size
    }
  }

  #headChecksum(head: Buffer): number {
    return crc32(head.subarray(0, 44), this.#seed)
  }

  #add(key: string, place: Place): void {
    this.#places.set(key, [...(this.#places.get(key) ?? []), place])
  }

  #keep(key: string, which: (place: Place) => boolean): void {
    const left = (this.#places.get(key) ?? []).filter(which)
    if (left.length === 0) this.#places.delete(key)
    else this.#places.set(key, left)
  }

  #forget(path: string, pack: Pack): void {
    this.#packs.delete(path)
    for (const key of this.#places.keys()) this.#keep(key, (place) => place.pack !== pack)
    if (pack === this.#own) this.#own = undefined
    closeSync(pack.file)
  }

  /** What is under a key, if it is here and is what was written. */
  take(key: string): Omit<Entry, "key"> | undefined {
    for (const place of this.#places.get(key) ?? []) {
      const { crc, note, offset, pack, size } = place
      const bytes = new Uint8Array(size)
      if (readSync(pack.file, bytes, 0, size, offset) === size && crc32(bytes) === crc) {
        this.#noteUse(pack)
        return { note, bytes }
      }
      this.#keep(key, (other) => other !== place)
    }
    return undefined
  }

  /** For all processes, so that the pack is not the next to go. */
  #noteUse(pack: Pack): void {
    const time = now()
    if (time - (pack.usedAt ?? -Infinity) < noteEvery) return
    pack.usedAt = time
    // Not permitted to who may read it alone.
    succeeds(() => futimesSync(pack.file, time / 1000, time / 1000))
  }

  /** Keeps entries, where there is room for them; what is there already stays. */
  put(entries: ReadonlyArray<Entry>): void {
    let together: Array<Entry> = []
    let size = 0
    for (const entry of entries) {
      if (this.#places.has(entry.key)) continue
      together.push(entry)
      size += headBytes + entry.bytes.length
      if (size < this.#step) continue
      this.#append(together, size)
      together = []
      size = 0
    }
    if (size > 0) this.#append(together, size)
  }

  /** Writes records of so many bytes at once. */
  #append(entries: ReadonlyArray<Entry>, size: number): void {
    if (this.#left < size && !this.#isFull) this.#makeRoom(size)
    if (this.#isFull) return
    const pack = this.#own ?? this.#begin()
    // Until all is written it is nobody's: after a failure no record may follow the torn one.
    this.#own = undefined
    const records = Buffer.allocUnsafe(size)
    const places: Array<readonly [string, Place]> = []
    let at = 0
    for (const { bytes, key, note } of entries) {
      const [head, crc] = [records.subarray(at, at + headBytes), crc32(bytes)]
      head.write(key, "hex")
      for (const [i, word] of [bytes.length, note, crc].entries()) head.writeUInt32LE(word, 32 + 4 * i)
      head.writeUInt32LE(this.#headChecksum(head), 44)
      at += headBytes
      records.set(bytes, at)
      places.push([key, { pack, offset: pack.known + at, size: bytes.length, note, crc }])
      at += bytes.length
    }
    let written = 0
    while (written < size) written += writeSync(pack.file, records, written, size - written, pack.known + written)
    for (const [key, place] of places) this.#add(key, place)
    pack.known += size
    this.#left -= size
    if (pack.known < this.#largestPack) this.#own = pack
  }

  #begin(): Pack {
    const path = join(this.#folder, `${this.#settings.owner}.${randomUUID()}${suffix}`)
    const create = () => {
      mkdirSync(this.#folder, { recursive: true })
      return this.#open(path, "wx+")
    }
    // Another process may have removed the folder in between, as it was empty.
    return ifThere(create) ?? create()
  }

  /** Removes packs until a step fits in. */
  #makeRoom(bytes: number): void {
    const { most, owner, root } = this.#settings
    this.refresh()
    const files = filesIn(root)
    const step = Math.max(this.#step, bytes)
    let total = files.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of files) {
      if (total + step <= most) break
      const pack = this.#packs.get(path)
      if (pack?.usedAt !== undefined || basename(path).startsWith(`${owner}.`)) continue
      // In use, on Windows.
      if (!succeeds(() => rmSync(path))) continue
      if (pack !== undefined) this.#forget(path, pack)
      total -= size
      // Only a folder that is empty goes.
      if (spaceName.test(basename(dirname(path)))) succeeds(() => rmdirSync(dirname(path)))
    }
    this.#isFull = total + step > most
    this.#left = step
  }

  /** Closes its files; what is written stays for others. */
  close(): void {
    for (const { file } of this.#packs.values()) closeSync(file)
    this.#packs.clear()
    this.#places.clear()
    this.#own = undefined
  }
}
