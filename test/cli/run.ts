import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url))

/**
 * Runs Weft's command line in a process of its own, in `cwd`. `onError` sees standard error as it comes; `input` is what
 * stands on standard input; `env` is added to the environment.
 */
export const weft = (
  args: ReadonlyArray<string>,
  cwd: string,
  onError: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
  input?: string | Uint8Array,
  env: Readonly<Record<string, string>> = {}
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"]
    })
    child.stdin.on("error", () => {}).end(input)
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
      onError(stderr, (signal) => child.kill(signal))
    })
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })
