import { readFileSync } from "node:fs"

/** Whether a process of this number runs on this machine. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // EPERM: it is alive, and belongs to another user.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}

/** The fields of Linux' `/proc/PID/stat` from the third (the state) on; undefined on other systems. */
const statOf = (pid: number): ReadonlyArray<string> | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The second field is the program's name in brackets, which may contain anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")
  } catch {
    return undefined
  }
}

/** When a process started, as text that no other process of its number has; undefined where the system has no record. */
export const startedAt = (pid: number): string | undefined => {
  const ticks = statOf(pid)?.[19]
  if (ticks === undefined) return undefined
  try {
    // Ticks are counted from the system's start.
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}.${ticks}`
  } catch {
    return ticks
  }
}

/** Whether a process is stopped, as Ctrl-Z does it. */
export const isSuspended = (pid: number): boolean => ["T", "t"].includes(statOf(pid)?.[0] ?? "")
