import { Effect, Option, Schema } from "effect"
import { spawn } from "node:child_process"

/** How a program ended that prints JSON lines. */
export interface Ended {
  readonly outcome: "done" | "failed" | "out of time"
  readonly seconds: number
  /** Why it is not done: the code and the end of what it printed that is no JSON line. */
  readonly why?: string
}

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))

/** Ends a process and those that it has begun, which are one group. */
const kill = (pid: number | undefined) => {
  if (pid !== undefined)
    try {
      process.kill(-pid, "SIGKILL")
    } catch {
      // It has ended.
    }
}

/**
 * Runs a program for at most `limitSeconds`, and gives each JSON object that it prints on a line of its own when it comes.
 * Never fails: what went wrong is in what it gives. Whatever it began ends with it.
 */
export const runLines = (
  program: string,
  args: ReadonlyArray<string>,
  options: {
    readonly limitSeconds: number
    readonly cwd: string
    readonly env: Readonly<Record<string, string | undefined>>
    readonly onLine: (line: Readonly<Record<string, unknown>>) => void
  }
): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const start = performance.now()
    let rest = ""
    let printed = ""
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      detached: true, // a group of its own
      stdio: ["ignore", "pipe", "pipe"]
    })
    const note = (text: string) => (printed = (printed + text).slice(-4000))
    const end = (outcome: Ended["outcome"], reason?: string) => {
      const why = [reason, printed.trim()].filter((text) => text !== undefined && text !== "").join("\n")
      const seconds = Math.round((performance.now() - start) / 100) / 10
      resume(Effect.succeed({ outcome, seconds, ...(outcome !== "done" && { why }) }))
    }
    const line = (text: string) =>
      Option.match(decode(text), { onNone: () => note(`${text}\n`), onSome: options.onLine })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n")
      rest = lines.pop() ?? ""
      for (const one of lines) line(one)
    })
    child.stderr.setEncoding("utf8").on("data", note)
    const timer = setTimeout(() => {
      kill(child.pid)
      end("out of time", `stopped after ${options.limitSeconds} s`)
    }, options.limitSeconds * 1000)
    child.on("error", (error) => {
      clearTimeout(timer)
      end("failed", error.message)
    })
    child.on("close", (code, signal) => {
      clearTimeout(timer)
      if (rest !== "") line(rest)
      if (code === 0) end("done")
      else end("failed", signal === null ? `ended with code ${code}` : `ended by ${signal}`)
    })
    return Effect.sync(() => {
      clearTimeout(timer)
      kill(child.pid)
    })
  })
