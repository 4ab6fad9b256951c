import { Effect, Layer } from "effect"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { ExportReadError, ExportReaders } from "../../model/export/ExportReaders.ts"
import type { ReadRequest, ReadResult } from "../../model/export/ExportReaders.ts"
import type { ChildReply } from "./child.ts"
import { readers } from "./readers.ts"

const script = fileURLToPath(new URL("./child.ts", import.meta.url))

/** The last line that a process wrote before it ended. */
const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? ""

const read = Effect.fn("ExportReaders.read")((request: ReadRequest) =>
  Effect.callback<ReadResult, ExportReadError>((resume) => {
    const fail = (detail: string) =>
      resume(
        Effect.fail(new ExportReadError({ format: request.format, reader: readers[request.format].library, detail }))
      )
    let errors = ""
    const child = fork(script, { serialization: "advanced", stdio: ["ignore", "ignore", "pipe", "ipc"] })
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text))
    child.on("error", (error) => fail(error.message))
    child.on("message", (reply) => {
      const answer = reply as ChildReply // our own script's
      if (answer._tag === "Failed") fail(answer.detail)
      else resume(Effect.succeed(answer))
    })
    child.on("close", (code, signal) =>
      fail(`its process ended (${signal ?? `exit code ${code}`}) without an answer: ${lastLine(errors)}`)
    )
    child.send(request, (error) => error !== null && fail(error.message))
    return Effect.sync(() => child.kill())
  })
)

/**
 * Each export is read by a process of its own: its libraries are loaded fresh, and a crash in native code ends that
 * process alone.
 */
export const layer = Layer.succeed(ExportReaders, { read })
