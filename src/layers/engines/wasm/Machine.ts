import * as tf from "@tensorflow/tfjs-core"
import { Crew } from "./Crew.ts"
import type { OpenBackend } from "./openBackend.ts"
import { backendName } from "./openBackend.ts"

/** Our threads and TensorFlow.js's tensors, in one memory. */
export class Machine {
  readonly crew: Crew
  readonly #open: OpenBackend

  constructor(open: OpenBackend, threads: number) {
    this.#open = open
    this.crew = new Crew(open.memory, threads)
  }

  /** Where a tensor's numbers lie, in bytes. */
  address({ dataId }: tf.TensorInfo): number {
    return this.#open.backend.getMemoryOffset(dataId)
  }

  /** A new tensor, not yet filled. */
  output(shape: ReadonlyArray<number>): tf.TensorInfo {
    return this.#open.backend.makeOutput([...shape], "float32")
  }

  /** The memory as it is now; another piece of work may make it grow and this stale. */
  floats(): Float32Array {
    return new Float32Array(this.#open.memory.buffer)
  }

  /** Lends room for `bytes` to `use`, and takes it back. */
  withRoom<A>(bytes: number, use: (address: number) => A): A {
    const address = this.#open.malloc(bytes) >>> 0
    try {
      return use(address)
    } finally {
      this.#open.free(address)
    }
  }

  /** Ends the threads, and gives the memory back. */
  close(): void {
    this.crew.close()
    tf.removeBackend(backendName)
  }
}
