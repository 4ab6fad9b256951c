import { randomUUID } from "node:crypto"
import { Worker } from "node:worker_threads"
import type { Fed, FeedWork } from "../../../pipeline/Feed.ts"
import { ImageRefused } from "../../../pipeline/Images.ts"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { decoders } from "../decoders.ts"
import { digestOf } from "../digest.ts"
import type { Chunk, Kept, ReadBytes, Reply, Request } from "./messages.ts"
import { pixelsKey } from "./pixelsKey.ts"

/** MiB of decoded images on disk, where nothing else is said. */
const usualCacheSize = 8192

/** A batch that a thread was asked to fill. */
interface Asked {
  readonly work: FeedWork
  readonly buffer: SharedArrayBuffer
  readonly done: (fed: Fed) => void
  readonly failed: (detail: string) => void
}

interface Hand {
  readonly worker: Worker
  /** The batches that it has not filled yet, by ticket. */
  readonly busy: Map<number, Asked>
  /** How many of `#chunks` it has been sent. */
  knows: number
}

/** Threads that fill batches, and the index of the decoded images that they share. */
export class Pool {
  readonly #threads: number
  readonly #hands: Array<Hand> = []
  readonly #chunks: Array<Chunk> = []
  #kept: { readonly key: string; readonly byPath: Map<string, Kept> } = { key: "", byPath: new Map() }
  readonly #spare: Array<SharedArrayBuffer> = []
  /** Batches that were handed out and not given back. */
  #lent = 0
  /** What the packs of decoded images are named after. */
  readonly #owner = randomUUID()
  #tickets = 0
  #started = 0
  #isClosed = false

  readonly #script: URL

  /** `script` is what a thread runs: another one in a test. */
  constructor(threads: number, script = new URL("./thread.ts", import.meta.url)) {
    this.#threads = threads
    this.#script = script
  }

  #start(): Hand {
    const thread = this.#started++
    const worker = new Worker(this.#script, { workerData: { thread }, execArgv: [] })
    const hand: Hand = { worker, busy: new Map(), knows: 0 }
    const fail = (detail: string) => {
      const at = this.#hands.indexOf(hand)
      // The other threads go on; a new one takes its place when there is more to do.
      if (at >= 0) this.#hands.splice(at, 1)
      for (const { failed } of hand.busy.values()) failed(detail)
      hand.busy.clear()
    }
    worker.on("message", (reply: Reply) => this.#receive(hand, reply))
    worker.on("error", (error) => fail(`a thread ended (${messageOf(error)})`))
    worker.on("exit", (code) => fail(`a thread ended with code ${code}`))
    worker.unref()
    this.#hands.push(hand)
    return hand
  }

  #receive(hand: Hand, reply: Reply): void {
    const asked = hand.busy.get(reply.ticket)
    hand.busy.delete(reply.ticket)
    this.#rest(hand)
    if (asked === undefined) return
    if ("failed" in reply) {
      this.#spare.push(asked.buffer)
      asked.failed(reply.failed)
      return
    }
    this.#chunks.push(...reply.chunks)
    const { image, slots } = asked.work
    if (pixelsKey(image) === this.#kept.key)
      for (const [slot, kept] of reply.kept) this.#kept.byPath.set(slots[slot]?.path ?? "", kept)
    asked.done({
      ...this.#handOut(asked),
      refused: reply.refused.map(({ slot, ...why }) => ({ slot, error: new ImageRefused(why) }))
    })
  }

  /**
   * The garbage collector does not count shared memory, so that a caller that gives no batch back would exhaust it.
   * Once more batches are out than can be ready and in use, callers get copies.
   */
  #handOut({ buffer, work }: Asked): Pick<Fed, "images" | "release"> {
    const { image, loader, slots } = work
    const images = new Float32Array(buffer, 0, slots.length * image.height * image.width * 3)
    if (this.#lent >= loader.prefetch + 3) {
      this.#spare.push(buffer)
      return { images: images.slice(), release: () => {} }
    }
    this.#lent++
    let isLent = true
    const release = () => {
      if (!isLent) return
      isLent = false
      this.#lent--
      this.#spare.push(buffer)
    }
    return { images, release }
  }

  /** A thread with nothing to do does not keep the process alive; one that is being ended does. */
  #rest(hand: Hand): void {
    if (hand.busy.size === 0 && !this.#isClosed) hand.worker.unref()
  }

  /** Memory of so many bytes at least: spare, or new, and then a spare one that is too small is let go. */
  #buffer(bytes: number): SharedArrayBuffer | undefined {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes)
    const [spare] = this.#spare.splice(Math.max(0, at), 1)
    if (at >= 0) return spare
    try {
      return new SharedArrayBuffer(bytes)
    } catch {
      return undefined
    }
  }

  /**
   * Asks the least busy thread for a batch; gives a function that forgets about it. `read` are the slots' bytes, where
   * the thread cannot read them itself.
   */
  ask(
    work: FeedWork,
    done: (fed: Fed) => void,
    failed: (detail: string) => void,
    read?: ReadonlyArray<ReadBytes | undefined>
  ): () => void {
    if (this.#isClosed) {
      failed("it is closed")
      return () => {}
    }
    const most = work.loader.workers ?? this.#threads
    const idle = this.#hands.find(({ busy }) => busy.size === 0)
    const hand =
      idle ??
      (this.#hands.length < most ? this.#start() : this.#hands.reduce((a, b) => (b.busy.size < a.busy.size ? b : a)))
    const ticket = this.#tickets++
    const buffer = this.#buffer(work.slots.length * work.image.height * work.image.width * 12)
    if (buffer === undefined) {
      failed("there is no memory for a batch")
      return () => {}
    }
    hand.busy.set(ticket, { done, failed, work, buffer })
    hand.worker.ref()
    const { augment, epoch, image, loader, seed, slots } = work
    const key = pixelsKey(work.image)
    if (key !== this.#kept.key) this.#kept = { key, byPath: new Map() }
    const request: Request = {
      ticket,
      // These alone, whatever else the work carries (a run's samples, say): a message is copied whole, for each batch.
      work: {
        augment,
        epoch,
        image,
        seed,
        slots: slots.map(({ digest, id, path, repeat, within }) => ({ id, path, digest, within, repeat }))
      },
      kept: slots.map(({ path }) => this.#kept.byPath.get(path)),
      read,
      chunks: this.#chunks.slice(hand.knows),
      room: (loader.memory * 2 ** 20) / most,
      store:
        loader.cache === undefined
          ? undefined
          : {
              root: loader.cache,
              space: digestOf(Buffer.from(`${decoders} ${key}`)),
              most: (loader.cacheSize ?? usualCacheSize) * 2 ** 20,
              owner: this.#owner
            },
      buffer
    }
    hand.knows = this.#chunks.length
    hand.worker.postMessage(request, [])
    return () => {
      const asked = hand.busy.get(ticket)
      // It is still being filled, and its memory is in use until then.
      if (asked !== undefined) hand.busy.set(ticket, { ...asked, done: ({ release }) => release(), failed: () => {} })
    }
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    this.#isClosed = true
    const hands = this.#hands.splice(0)
    await Promise.all(
      hands.map(({ worker }) => {
        worker.ref()
        return worker.terminate()
      })
    )
  }
}
