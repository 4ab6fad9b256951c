import { Effect } from "effect"
import { spawn } from "node:child_process"

/** Keeps so many processes computing for nothing, until the Scope closes: a machine that has other work. */
export const busyProcesses = (count: number) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      Array.from({ length: count }, () => spawn(process.execPath, ["-e", "while (true);"], { stdio: "ignore" }))
    ),
    (processes) =>
      Effect.sync(() => {
        for (const child of processes) child.kill("SIGKILL")
      })
  )
