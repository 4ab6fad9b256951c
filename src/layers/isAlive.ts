/** Whether a process of this number runs on this machine. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    // Somebody else's process is alive, though it may not be asked.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}
