import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { Worker } from "node:worker_threads"
import { messageOf } from "../../../pipeline/messageOf.ts"
import type { Begin, Call, Reply } from "./messages.ts"

/** A thread cannot answer: what onnxruntime says, or how the thread has ended. */
export class ThreadFailed extends Schema.TaggedError<ThreadFailed>()("ThreadFailed", { detail: Schema.String }) {
  override get message() {
    return this.detail
  }
}

const failure = (detail: string) => new ThreadFailed({ detail })

interface Thread {
  readonly worker: Worker
  readonly version: string
  /** Calls that it has not answered, by ticket. */
  readonly busy: Map<number, (answer: Effect.Effect<Float32Array, ThreadFailed>) => void>
  /** Why it has ended. */
  ended: ThreadFailed | undefined
}

const open = (begin: Begin): Effect.Effect<Thread, ThreadFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Thread, ThreadFailed>((resume) => {
      const worker = new Worker(new URL("./thread.ts", import.meta.url), { workerData: begin, execArgv: [] })
      const busy: Thread["busy"] = new Map()
      let thread: Thread | undefined
      const end = (error: ThreadFailed) => {
        if (thread === undefined) return resume(Effect.fail(error))
        thread.ended ??= error
        for (const answered of busy.values()) answered(Effect.fail(error))
        busy.clear()
      }
      worker.on("message", (reply: Reply) => {
        if (reply._tag === "opened") {
          thread = { worker, busy, version: reply.version, ended: undefined }
          return resume(Effect.succeed(thread))
        }
        const answered = busy.get(reply.ticket)
        busy.delete(reply.ticket)
        answered?.(reply._tag === "done" ? Effect.succeed(reply.features) : Effect.fail(failure(reply.detail)))
      })
      worker.on("error", (cause) => end(failure(messageOf(cause))))
      worker.on("exit", (code) => end(failure(`its thread has ended with code ${code}`)))
      return Effect.promise(() => worker.terminate())
    }),
    (thread) =>
      Effect.promise(() => {
        thread.ended ??= failure("the session is closed")
        return thread.worker.terminate()
      })
  )

/**
 * Sessions of onnxruntime in threads of their own, until the Scope closes: a call of onnxruntime blocks the thread that
 * makes it, and a server's thread has clients to answer meanwhile. Fails with what onnxruntime says.
 */
export const openThreads = Effect.fnUntraced(function* (threads: number, begin: Begin) {
  // One copy for all of them.
  const model = new Uint8Array(new SharedArrayBuffer(begin.model.byteLength))
  model.set(begin.model)
  const all = yield* Effect.forEach(Array.from({ length: threads }), () => open({ ...begin, model }), {
    concurrency: "unbounded"
  })
  let tickets = 0
  return {
    version: all[0]?.version ?? "",
    /** The thread with the fewest calls makes this one. `images` are copied. */
    run: (images: Float32Array, dims: ReadonlyArray<number>): Effect.Effect<Float32Array, ThreadFailed> =>
      Effect.callback((resume) => {
        const [first, ...others] = all.filter(({ ended }) => ended === undefined)
        if (first === undefined) return resume(Effect.fail(all[0]?.ended ?? failure("there is no thread")))
        const thread = others.reduce((least, one) => (one.busy.size < least.busy.size ? one : least), first)
        const ticket = tickets++
        thread.busy.set(ticket, resume)
        // Of some of a batch's images, a message without a copy of them would copy the batch, once for each call.
        const own = images.slice()
        thread.worker.postMessage({ ticket, images: own, dims } satisfies Call, [own.buffer])
      })
  }
})
