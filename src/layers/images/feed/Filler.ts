import { statSync } from "node:fs"
import { changesValues, changeValues, movement } from "../../../pipeline/augmentations.ts"
import { mostBytes } from "../../../pipeline/ImageConfig.ts"
import type { ImageConfig } from "../../../pipeline/ImageConfig.ts"
import { changed } from "../../../pipeline/Images.ts"
import type { ImageRefused } from "../../../pipeline/Images.ts"
import { normaliseInto, scaleOf } from "../../../pipeline/normalise.ts"
import type { Pixels } from "../../../pipeline/Pixels.ts"
import { Canvas } from "./Canvas.ts"
import { decodeSmallJpeg } from "../decodeSmallJpeg.ts"
import { digestOf, isChanged } from "../digest.ts"
import { readImageSync } from "../DiskImageBytes.ts"
import type { Kept, ReadBytes, Reply, Request } from "./messages.ts"
import { PixelStore } from "./PixelStore.ts"
import { Shelf } from "./Shelf.ts"

/** Images that sharp decodes at the same time, for one thread of ours. */
const atOnce = 4

/** What a file's bytes cannot change without: size, time of the last change, and which file it is. */
const stampOf = (path: string): string | undefined => {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? undefined : `${stat.size} ${stat.ctimeNs} ${stat.ino}`
  } catch {
    return undefined
  }
}

/** The digest of bytes that were sent, where they are those that are wanted. */
const stampOfBytes = (bytes: ReadBytes, digest: string | undefined): string | undefined =>
  bytes instanceof Uint8Array && digest !== undefined && !isChanged(bytes, digest) ? digest : undefined

/** Fills batches, one after the other: what a thread of the feed does. */
export class Filler {
  readonly #shelf: Shelf
  #canvas: { readonly image: string; readonly canvas: Canvas } | undefined
  #store: { readonly of: string; readonly store: PixelStore } | undefined

  constructor(thread: number) {
    this.#shelf = new Shelf(thread)
  }

  #canvasFor(image: ImageConfig): Canvas {
    const key = JSON.stringify([image.height, image.width, image.mean, image.std])
    if (this.#canvas?.image !== key)
      this.#canvas = { image: key, canvas: new Canvas(image.height, image.width, scaleOf(image)) }
    return this.#canvas.canvas
  }

  #storeFor(wanted: Request["store"]): PixelStore | undefined {
    if (wanted === undefined) return undefined
    const of = JSON.stringify(wanted)
    if (this.#store?.of !== of) {
      this.#store?.store.close()
      this.#store = { of, store: new PixelStore(wanted) }
    }
    return this.#store.store
  }

  async fill({ buffer, chunks, kept, read, room, store: stored, ticket, work }: Request): Promise<Reply> {
    const { image, slots } = work
    const area = image.height * image.width * 3
    const out = new Float32Array(buffer)
    const canvas = this.#canvasFor(image)
    const added: Array<readonly [number, Kept]> = []
    this.#shelf.learn(chunks)
    const store = this.#storeFor(stored)
    let isFresh = false
    /** What the store has; once for each batch it is seen what the other threads have added. */
    const inStore = (key: string) => {
      const found = store?.take(key)
      if (found !== undefined || isFresh) return found
      isFresh = true
      store?.refresh()
      return store?.take(key)
    }
    const finish = (slot: number, pixels: Pixels, stamp: string | undefined) => {
      const known = stamp === undefined ? undefined : this.#shelf.put(pixels, stamp, slots[slot]?.digest, room)
      if (known !== undefined) added.push([slot, known])
      draw(canvas, pixels, work, slot, out, slot * area)
    }
    const refused: Array<{ slot: number } & Pick<ImageRefused, "path" | "reason" | "detail">> = []
    const bySharp = new Set<Promise<void>>()
    const decodeBySharp = async (
      slot: number,
      bytes: Uint8Array,
      stamp: string | undefined,
      key: string | undefined
    ) => {
      // A module of its own: a thread that never needs sharp starts sooner.
      const { loadForFeed } = await import("./withSharp.ts")
      const result = await loadForFeed(slots[slot]?.path ?? "", bytes, image)
      if ("refused" in result) {
        refused.push({ slot, ...result.refused })
        return
      }
      finish(slot, result.pixels, stamp)
      if (key !== undefined) store?.put(key, result.pixels)
    }
    for (const [slot, { digest, path, within }] of slots.entries()) {
      const given = read?.[slot]
      // Before the file is read: a change in between shows the next time.
      const stamp = given === undefined ? stampOf(path) : stampOfBytes(given, digest)
      const before = kept[slot]
      const isSame =
        stamp !== undefined && before?.stamp === stamp && (digest === undefined || before.digest === digest)
      const ready = before !== undefined && isSame ? this.#shelf.take(before) : undefined
      if (ready !== undefined) {
        draw(canvas, ready, work, slot, out, slot * area)
        continue
      }
      const bytes = given ?? readImageSync(path, mostBytes(image), within)
      if (!(bytes instanceof Uint8Array)) {
        refused.push({ slot, path, ...bytes })
        continue
      }
      if (isChanged(bytes, digest)) {
        refused.push({ slot, path, ...changed })
        continue
      }
      // An empty file is refused, whatever was expected.
      const key = store === undefined || bytes.length === 0 ? undefined : (digest ?? digestOf(bytes))
      const found = key === undefined ? undefined : inStore(key)
      const pixels = found ?? decodeSmallJpeg(bytes, image)
      if (pixels === undefined) {
        // Their bytes are in memory until then.
        if (bySharp.size >= atOnce) await Promise.race(bySharp)
        const decoding: Promise<void> = decodeBySharp(slot, bytes, stamp, key).finally(() => bySharp.delete(decoding))
        bySharp.add(decoding)
        continue
      }
      finish(slot, pixels, stamp)
      if (found === undefined && key !== undefined) store?.put(key, pixels)
    }
    await Promise.all(bySharp)
    refused.sort((a, b) => a.slot - b.slot)
    return { ticket, refused, kept: added, chunks: this.#shelf.tell() }
  }
}

/** Augments an image and writes its numbers to their place. */
const draw = (
  canvas: Canvas,
  pixels: Pixels,
  work: Request["work"],
  slot: number,
  out: Float32Array,
  offset: number
): void => {
  const { augment, epoch, image, seed, slots } = work
  const { id = "", repeat } = slots[slot] ?? {}
  const at = { seed, epoch, id, repeat }
  const { flip, map } =
    augment === undefined ? { flip: false, map: undefined } : movement(augment, at, image.width, image.height)
  canvas.draw(pixels, flip && map === undefined)
  if (map !== undefined) canvas.turn(map, image.background)
  if (augment === undefined || !changesValues(augment, at)) canvas.numbers(out, offset)
  else normaliseInto(out, offset, changeValues(canvas.pixels(), augment, at).data, canvas.scale)
}
