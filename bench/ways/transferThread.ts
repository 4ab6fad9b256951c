import { parentPort, workerData } from "node:worker_threads"
import { Filler } from "../../src/layers/images/feed/Filler.ts"
import type { Request } from "../../src/layers/images/feed/messages.ts"

/** A batch that is asked for; without a buffer, it is filled into a new one, which is transferred. */
export type TransferRequest = Omit<Request, "buffer"> & { readonly bytes: number; readonly buffer?: SharedArrayBuffer }

const thread = new Filler((workerData as { readonly thread: number }).thread) // what `transfer.ts` gives it

/** The filler writes floats into the buffer: to that, shared or not is the same. */
const workWith = (request: Omit<Request, "buffer">, buffer: ArrayBuffer | SharedArrayBuffer): Request => ({
  ...request,
  buffer: buffer as SharedArrayBuffer // see above
})

const answer = async ({ bytes, buffer: lent, ...request }: TransferRequest) => {
  const buffer = lent ?? new ArrayBuffer(bytes)
  const reply = await thread.fill(workWith(request, buffer))
  parentPort?.postMessage({ reply, buffer }, buffer instanceof ArrayBuffer ? [buffer] : [])
}

let last: Promise<unknown> = Promise.resolve()
parentPort?.on("message", (request: TransferRequest) => {
  last = last.then(() => answer(request))
})
