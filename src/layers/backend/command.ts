import { Effect } from "effect"
import { spawn } from "node:child_process"

/** What a program said, and how it ended; `code` is undefined where there is no such program. */
export interface Ran {
  readonly code: number | undefined
  readonly output: string
  readonly errors: string
}

/** Runs a program to its end; interrupted, it is stopped. Never fails: what went wrong is in what it gives. */
export const runCommand = (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly env?: Readonly<Record<string, string>>; readonly onOutput?: (text: string) => void } = {}
): Effect.Effect<Ran> =>
  Effect.callback<Ran>((resume) => {
    let output = ""
    let errors = ""
    const child = spawn(program, args, {
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text
      options.onOutput?.(text)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
    child.on("error", (error) => resume(Effect.succeed({ code: undefined, output, errors: error.message })))
    child.on("close", (code) => resume(Effect.succeed({ code: code ?? 1, output, errors })))
    return Effect.sync(() => child.kill())
  })
