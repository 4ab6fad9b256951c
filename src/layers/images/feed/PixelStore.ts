import { createHash, randomUUID } from "node:crypto"
import { mkdirSync } from "node:fs"
import { basename } from "node:path"
import type { Pixels } from "../../../pipeline/Pixels.ts"
import type { Pack, Place } from "./PixelPacks.ts"
import { addPixels, closePack, createPack, openPack, packsIn, readOn, readPixels, removePack } from "./PixelPacks.ts"

/** What an image is stored under: SHA-256 of its file's bytes and of all else that its pixels depend on, in hex. */
export const pixelsKeyOf = (bytes: Uint8Array, dependsOn: string): string =>
  createHash("sha256").update(dependsOn).update("\0").update(bytes).digest("hex")

/** Bytes that are added between two looks at how large all packs are together. */
const mostStep = 2 ** 24

/** What the packs of this process are named after: its threads do not remove each other's. */
const ours = `${process.pid}-`

/** The rest of `attempt` is left undone where the disk says no. */
const quietly = (attempt: () => void): boolean => {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

/**
 * Decoded images on disk, by the content of their files: what one run has decoded, the next ones read.
 *
 * A folder of packs, each written by one thread of one process, so that nothing is locked. What a kill or a power cut has
 * left half written is told by its length or its checksum, and decoded anew. The packs have `most` bytes together (a
 * sixteenth more at most, for each thread that writes): those that are of no use here go for new ones, the oldest first.
 * A disk that is full, or no folder at all, costs speed and never a run.
 */
export class PixelStore {
  readonly #folder: string
  readonly #most: number
  readonly #step: number
  readonly #packs = new Map<string, Pack>()
  /** More than one where several threads have decoded the same image, or the first turned out to be damaged. */
  readonly #places = new Map<string, ReadonlyArray<Place>>()
  #own: Pack | undefined
  /** Bytes that may be written until the packs are looked at again. */
  #left = 0
  #isFull = false

  constructor(folder: string, most: number) {
    this.#folder = folder
    this.#most = most
    this.#step = Math.min(mostStep, most / 16)
  }

  /** Takes up what others have written. */
  refresh(): void {
    quietly(() => {
      const found = packsIn(this.#folder)
      for (const { path } of found) {
        const pack = this.#packs.get(path) ?? openPack(path)
        if (pack === undefined) continue
        this.#packs.set(path, pack)
        if (pack !== this.#own) readOn(pack, (key, place) => this.#add(key, place))
      }
      const there = new Set(found.map(({ path }) => path))
      for (const [path, pack] of this.#packs) if (!there.has(path)) this.#forget(path, pack)
    })
  }

  #forget(path: string, pack: Pack): void {
    this.#packs.delete(path)
    for (const key of this.#places.keys()) this.#keep(key, (place) => place.pack !== pack)
    if (pack === this.#own) this.#own = undefined
    closePack(pack)
  }

  #add(key: string, place: Place): void {
    this.#places.set(key, [...(this.#places.get(key) ?? []), place])
  }

  #keep(key: string, which: (place: Place) => boolean): void {
    const left = (this.#places.get(key) ?? []).filter(which)
    if (left.length === 0) this.#places.delete(key)
    else this.#places.set(key, left)
  }

  /** The pixels under a key, if they are here and whole. */
  take(key: string): Pixels | undefined {
    for (const place of this.#places.get(key) ?? []) {
      let pixels: Pixels | undefined
      quietly(() => (pixels = readPixels(place)))
      if (pixels !== undefined) {
        place.pack.isUsed = true
        return pixels
      }
      this.#keep(key, (other) => other !== place)
    }
    return undefined
  }

  /** Keeps an image, where there is room for it. */
  put(key: string, pixels: Pixels): void {
    if (this.#isFull || this.#places.has(key)) return
    const written = quietly(() => {
      if (this.#left < pixels.data.length) this.#makeRoom(pixels.data.length)
      if (this.#isFull) return
      this.#own ??= this.#begin()
      this.#add(key, addPixels(this.#own, key, pixels))
      this.#left -= pixels.data.length
      // A pack goes as a whole: none is to be too large a part of all.
      if (this.#own.known >= this.#step * 2) this.#own = undefined
    })
    if (!written) this.#isFull = true
  }

  #begin(): Pack {
    const pack = createPack(this.#folder, `${ours}${randomUUID()}`)
    pack.isUsed = true
    this.#packs.set(pack.path, pack)
    return pack
  }

  /** Lets packs go until a step fits in, the oldest first; those that were of use here stay. */
  #makeRoom(bytes: number): void {
    mkdirSync(this.#folder, { recursive: true })
    this.refresh()
    const sizes = packsIn(this.#folder)
    const step = Math.max(this.#step, bytes)
    let total = sizes.reduce((sum, { size }) => sum + size, 0)
    for (const { path, size } of sizes) {
      if (total + step <= this.#most) break
      const pack = this.#packs.get(path)
      if (pack === undefined || pack.isUsed || basename(path).startsWith(ours)) continue
      removePack(path)
      this.#forget(path, pack)
      total -= size
    }
    this.#isFull = total + step > this.#most
    this.#left = step
  }

  /** Gives the files back; what is written stays for others. */
  close(): void {
    for (const [path, pack] of this.#packs) this.#forget(path, pack)
  }
}
