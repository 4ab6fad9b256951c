import type { Pixels } from "../../../pipeline/Pixels.ts"
import type { Chunk, Kept } from "./messages.ts"

const chunkBytes = 2 ** 24

/** A thread's view of the decoded images that all threads keep in shared memory. */
export class Shelf {
  readonly #thread: number
  readonly #chunks = new Map<number, Uint8Array>()
  /** Those made here that the others have not heard of. */
  #fresh: Array<Chunk> = []
  #own = 0
  #made = 0
  #free = { id: 0, offset: 0, left: 0 }

  constructor(thread: number) {
    this.#thread = thread
  }

  learn(chunks: ReadonlyArray<Chunk>): void {
    for (const { id, memory } of chunks) this.#chunks.set(id, new Uint8Array(memory))
  }

  /** Chunks that were made since this was last asked. */
  tell(): ReadonlyArray<Chunk> {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }

  take({ chunk, height, offset, width }: Kept): Pixels | undefined {
    const data = this.#chunks.get(chunk)?.subarray(offset, offset + height * width * 3)
    return data === undefined ? undefined : { height, width, data }
  }

  /** Keeps an image, or does not where this thread's `room` (in bytes) is used up. */
  put({ data, height, width }: Pixels, stamp: string, digest: string | undefined, room: number): Kept | undefined {
    if (data.length > this.#free.left) {
      const size = Math.max(chunkBytes, data.length)
      if (this.#own + size > room) return undefined
      const memory = new SharedArrayBuffer(size)
      const id = this.#thread * 2 ** 24 + this.#made++
      this.#own += size
      this.#fresh.push({ id, memory })
      this.#chunks.set(id, new Uint8Array(memory))
      this.#free = { id, offset: 0, left: size }
    }
    const { id, offset } = this.#free
    this.#chunks.get(id)?.set(data, offset)
    this.#free = { id, offset: offset + data.length, left: this.#free.left - data.length }
    return { chunk: id, offset, height, width, stamp, digest }
  }
}
