import { parentPort } from "node:worker_threads"

// A thread of the feed that tells what it was asked for, as the reason for which it fails.
parentPort?.on("message", ({ ticket, work }: { readonly ticket: number; readonly work: object }) =>
  parentPort?.postMessage({ ticket, failed: JSON.stringify(work) }, [])
)
