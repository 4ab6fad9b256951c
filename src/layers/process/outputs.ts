import { Effect } from "effect"

type Output = "stdout" | "stderr"

/** The code of what went wrong with a stream. */
const codeOf = (error: Error) => ("code" in error ? String(error.code) : "")

/**
 * Waits until the reader of one of the process's outputs has closed it, as `| head` does when it has read enough. For
 * standard output the command ends as done; for standard error, which shows progress, it is interrupted.
 *
 * After that, no error of an output ends the process. A terminal that is gone (EIO) does not count as closed: work in
 * the background (disown) goes on without it.
 */
export const closedOutput: Effect.Effect<void> = Effect.callback((resume) => {
  const listeners = (["stdout", "stderr"] as const).map((name) => {
    const listener = (error: Error) => {
      if (codeOf(error) === "EPIPE") resume(name === "stdout" ? Effect.void : Effect.interrupt)
    }
    process[name].on("error", listener)
    return { name, listener }
  })
  // Writing may still fail after this, until the process ends.
  return Effect.sync(() => {
    for (const { listener, name } of listeners) process[name].on("error", () => {}).off("error", listener)
  })
})

const drained = (name: Output): Promise<void> =>
  new Promise((resolve) => {
    const stream = process[name]
    if (stream.destroyed || !stream.writable || stream.writableLength === 0) return resolve()
    stream.once("error", () => resolve()).once("close", () => resolve())
    stream.write("", () => resolve())
  })

/** Calls back when all that was written has been taken: a pipe holds 64 KiB, and an exit would lose the rest. */
export const whenDrained = (then: () => void): void =>
  void Promise.all([drained("stdout"), drained("stderr")]).then(then)
