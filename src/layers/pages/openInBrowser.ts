import { Effect } from "effect"
import { spawn } from "node:child_process"

/** The command with which each system opens a file as a double click would. */
const openers: Readonly<Partial<Record<NodeJS.Platform, ReadonlyArray<string>>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""]
}

/** Opens a page in the browser, without waiting for the browser to end; false where the system cannot. */
export const openInBrowser = (path: string): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    const [command = "", ...args] = openers[process.platform] ?? ["xdg-open"]
    const child = spawn(command, [...args, path], { stdio: "ignore", detached: true })
    child.on("error", () => resume(Effect.succeed(false)))
    child.on("exit", (code) => resume(Effect.succeed(code === 0)))
    child.unref()
  }).pipe(
    // A command that is still running is the browser itself.
    Effect.timeoutOrElse({ duration: "2 seconds", orElse: () => Effect.succeed(true) })
  )
