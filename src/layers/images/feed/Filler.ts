import { createHash } from "node:crypto"
import { statSync } from "node:fs"
import { changesValues, changeValues, movement } from "../../../pipeline/augmentations.ts"
import type { ImageConfig } from "../../../pipeline/ImageConfig.ts"
import type { Expected, ImageRefused } from "../../../pipeline/Images.ts"
import { normaliseInto, scaleOf } from "../../../pipeline/normalise.ts"
import type { Pixels } from "../../../pipeline/Pixels.ts"
import { Canvas } from "./Canvas.ts"
import { decodeJpeg } from "./jpeg/decodeJpeg.ts"
import type { Kept, Reply, Request } from "./messages.ts"
import { PixelStore, pixelsKeyOf } from "./PixelStore.ts"
import { pixelsKey } from "./pixelsKey.ts"
import { Shelf } from "./Shelf.ts"
import { readInsideNow } from "../readInside.ts"
import manifest from "../../../../package.json" with { type: "json" }

/** What decodes: pixels of another version are not looked at. */
const decoders = `${manifest.version} ${manifest.dependencies.sharp}`

/** What a file's bytes cannot change without: size, time of the last change, and which file it is. */
const stampOf = (path: string): string | undefined => {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? undefined : `${stat.size} ${stat.ctimeNs} ${stat.ino}`
  } catch {
    return undefined
  }
}

/** The bytes of the file that is expected, or undefined; refusals are left to sharp, which has the words for them. */
const read = (path: string, { digest, within }: Expected): Uint8Array | undefined => {
  try {
    const bytes = readInsideNow(path, within)
    return digest === undefined || createHash("sha256").update(bytes).digest("hex") === digest ? bytes : undefined
  } catch {
    return undefined
  }
}

/** A file's pixels, if they can be had at once. */
const decodeAtOnce = (bytes: Uint8Array, image: ImageConfig): Pixels | undefined => {
  try {
    return image.fit === "fill" ? decodeJpeg(bytes, image, image.maxPixels)?.pixels : undefined
  } catch {
    return undefined
  }
}

/** Fills batches, one after the other: what a thread of the feed does. */
export class Filler {
  readonly #shelf: Shelf
  #canvas: { readonly image: string; readonly canvas: Canvas } | undefined
  #store: { readonly folder: string; readonly store: PixelStore } | undefined

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
    if (this.#store?.folder !== wanted.folder) {
      this.#store?.store.close()
      this.#store = { folder: wanted.folder, store: new PixelStore(wanted.folder, wanted.most) }
    }
    return this.#store.store
  }

  async fill({ buffer, chunks, kept, room, store: stored, ticket, work }: Request): Promise<Reply> {
    const { image, slots } = work
    const area = image.height * image.width * 3
    const out = new Float32Array(buffer)
    const canvas = this.#canvasFor(image)
    const added: Array<readonly [number, Kept]> = []
    this.#shelf.learn(chunks)
    const store = this.#storeFor(stored)
    const dependsOn = store === undefined ? "" : `${decoders} ${pixelsKey(image)}`
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
      draw(canvas, pixels, work, slots[slot]?.id ?? "", out, slot * area)
    }
    const forSharp: Array<{
      readonly slot: number
      readonly path: string
      readonly expected: Expected
      readonly stamp: string | undefined
      readonly key: string | undefined
    }> = []
    for (const [slot, { id, path, ...expected }] of slots.entries()) {
      // Before the file is read: a change in between shows the next time.
      const stamp = stampOf(path)
      const before = kept[slot]
      const isSame = before?.stamp === stamp && (expected.digest === undefined || before?.digest === expected.digest)
      const ready = before !== undefined && isSame ? this.#shelf.take(before) : undefined
      if (ready !== undefined) {
        draw(canvas, ready, work, id, out, slot * area)
        continue
      }
      // Without a store, what sharp decodes is read by sharp alone.
      const bytes = store !== undefined || image.fit === "fill" ? read(path, expected) : undefined
      const key = store === undefined || bytes === undefined ? undefined : pixelsKeyOf(bytes, dependsOn)
      const found = key === undefined ? undefined : inStore(key)
      const pixels = found ?? (bytes && decodeAtOnce(bytes, image))
      if (pixels === undefined) forSharp.push({ slot, path, expected, stamp, key })
      else finish(slot, pixels, stamp)
      if (found === undefined && pixels !== undefined && key !== undefined) store?.put(key, pixels)
    }
    const refused: Array<{ slot: number } & Pick<ImageRefused, "path" | "reason" | "detail">> = []
    if (forSharp.length > 0) {
      const { loadWithSharp } = await import("./withSharp.ts")
      const results = await loadWithSharp(forSharp, image)
      for (const [i, result] of results.entries()) {
        const { key, path, slot, stamp } = forSharp[i] as (typeof forSharp)[number] // as many as results
        if ("pixels" in result) {
          finish(slot, result.pixels, stamp)
          // Sharp has read the file anew: only if that has not changed are these the pixels of the bytes that were read.
          if (key !== undefined && stamp !== undefined && stampOf(path) === stamp) store?.put(key, result.pixels)
        } else refused.push({ slot, ...result.refused })
      }
    }
    return { ticket, refused, kept: added, chunks: this.#shelf.tell() }
  }
}

/** Augments an image and writes its numbers to their place. */
const draw = (
  canvas: Canvas,
  pixels: Pixels,
  work: Request["work"],
  id: string,
  out: Float32Array,
  offset: number
): void => {
  const { augment, epoch, image, seed } = work
  const at = { seed, epoch, id }
  const { flip, map } =
    augment === undefined ? { flip: false, map: undefined } : movement(augment, at, image.width, image.height)
  canvas.draw(pixels, flip && map === undefined)
  if (map !== undefined) canvas.turn(map, image.background)
  if (augment === undefined || !changesValues(augment, at)) canvas.numbers(out, offset)
  else normaliseInto(out, offset, changeValues(canvas.pixels(), augment, at).data, canvas.scale)
}
