import { parentPort, workerData } from "node:worker_threads"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { Filler } from "./Filler.ts"
import type { Reply, Request } from "./messages.ts"

// What `Pool` starts its threads with: one batch after the other.
const filler = new Filler((workerData as { readonly thread: number }).thread)
let last: Promise<unknown> = Promise.resolve()

const answer = async (request: Request): Promise<void> => {
  try {
    parentPort?.postMessage(await filler.fill(request), [])
  } catch (cause) {
    const failed = messageOf(cause)
    parentPort?.postMessage({ ticket: request.ticket, failed } satisfies Reply, [])
  }
}

parentPort?.on("message", (request: Request) => {
  last = last.then(() => answer(request))
})
