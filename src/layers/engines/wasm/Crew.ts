import { Worker } from "node:worker_threads"
import { routineBytes, routinesOver } from "./routines.ts"
import type { Bench, Task } from "./Task.ts"
import { double } from "./Task.ts"
import { taskAt, tasks } from "./tasks.ts"

/** What a thread is given at its start. */
export interface ThreadData {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly control: SharedArrayBuffer
  readonly thread: number
}

/** Where the control words lie. The ticket is the work's generation in the high half, the pieces left in the low one. */
const word = { ticket: 0, pending: 1, task: 2, failed: 3, closed: 4 }
const argumentsAt = 64
const mostPieces = 65535
/** Looks at a word that is about to change, before sleeping on it: a few microseconds. */
const spins = 2000
const patienceMs = 60_000

/** A thread's side of the work: it takes pieces until none is left. */
class Hand {
  readonly words: Int32Array
  /** Eight bytes for each argument. */
  readonly args: DataView
  readonly #data: ThreadData
  readonly #routines: Bench["routines"]

  constructor(data: ThreadData) {
    this.#data = data
    this.words = new Int32Array(data.control, 0, 16)
    this.args = new DataView(data.control, argumentsAt)
    this.#routines = routinesOver(data.module, data.memory)
  }

  run(task: Task, args: Record<string, number>, piece: number): void {
    const floats = new Float32Array(this.#data.memory.buffer)
    task.run(args, piece, { routines: this.#routines, floats, thread: this.#data.thread })
  }

  /** Takes a piece: its number, or -1 where none is left. Whoever holds a piece holds the arguments in place, too. */
  #take(): number {
    for (;;) {
      const ticket = Atomics.load(this.words, word.ticket)
      const left = ticket & mostPieces
      if (left === 0) return -1
      if (Atomics.compareExchange(this.words, word.ticket, ticket, ticket - 1) === ticket) return left - 1
    }
  }

  work(): void {
    for (let piece = this.#take(); piece >= 0; piece = this.#take()) {
      const task = taskAt(Atomics.load(this.words, word.task))
      const args: Record<string, number> = {}
      for (const [i, field] of task.fields.entries()) args[field] = this.args.getFloat64(i * double)
      try {
        this.run(task, args, piece)
      } catch (error) {
        console.error(error)
        Atomics.store(this.words, word.failed, 1)
      }
      if (Atomics.sub(this.words, word.pending, 1) === 1) Atomics.notify(this.words, word.pending)
    }
  }

  /** Waits until the word is another than it was; false where it still is after `timeout` milliseconds. */
  await(at: number, was: number, timeout: number): boolean {
    for (let i = 0; i < spins; i++) if (Atomics.load(this.words, at) !== was) return true
    return Atomics.wait(this.words, at, was, timeout) !== "timed-out"
  }
}

/** What a thread does until it is closed. */
export const serve = (data: ThreadData): void => {
  const hand = new Hand(data)
  while (Atomics.load(hand.words, word.closed) === 0) {
    const ticket = Atomics.load(hand.words, word.ticket)
    if ((ticket & mostPieces) === 0) hand.await(word.ticket, ticket, Infinity)
    hand.work()
  }
}

/** Threads that share one memory and do pieces of work together; the calling thread is one of them. */
export class Crew {
  readonly threads: number
  readonly #hand: Hand
  readonly #workers: ReadonlyArray<Worker>

  constructor(memory: WebAssembly.Memory, threads: number) {
    const module = new WebAssembly.Module(routineBytes())
    const control = new SharedArrayBuffer(argumentsAt + 64 * double)
    this.threads = threads
    this.#hand = new Hand({ module, memory, control, thread: 0 })
    this.#workers = Array.from({ length: threads - 1 }, (_, i) => {
      const workerData: ThreadData = { module, memory, control, thread: i + 1 }
      const worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData, execArgv: [] })
      // The others go on without it.
      worker.on("error", (error) => console.error("a thread of the wasm engine ended:", error))
      worker.unref()
      return worker
    })
  }

  /** Does all pieces of a task and returns when the last is done. Throws where a piece failed. */
  run<Field extends string>(task: Task<Field>, args: Readonly<Record<Field, number>>, pieces: number): void {
    if (pieces === 1 || this.threads === 1) {
      for (let piece = 0; piece < pieces; piece++) this.#hand.run(task, args, piece)
      return
    }
    if (pieces > mostPieces) throw new Error(`${pieces} pieces are too many`)
    this.#share(task, args, pieces)
  }

  #share<Field extends string>(task: Task<Field>, args: Readonly<Record<Field, number>>, pieces: number): void {
    const { words } = this.#hand
    for (const [i, field] of task.fields.entries()) this.#hand.args.setFloat64(i * double, args[field])
    words[word.task] = tasks.indexOf(task)
    words[word.pending] = pieces
    const generation = (Atomics.load(words, word.ticket) >>> 16) + 1
    Atomics.store(words, word.ticket, ((generation & 0x7fff) << 16) | pieces)
    Atomics.notify(words, word.ticket)
    this.#hand.work()
    for (let pending = Atomics.load(words, word.pending); pending > 0; pending = Atomics.load(words, word.pending))
      if (!this.#hand.await(word.pending, pending, patienceMs)) throw new Error("a thread does not answer")
    if (Atomics.exchange(words, word.failed, 0) !== 0) throw new Error("a thread failed: see the log")
  }

  /** Ends the other threads. */
  close(): void {
    const { words } = this.#hand
    Atomics.store(words, word.closed, 1)
    Atomics.add(words, word.ticket, 1 << 16)
    Atomics.notify(words, word.ticket)
    for (const worker of this.#workers) void worker.terminate()
  }
}
