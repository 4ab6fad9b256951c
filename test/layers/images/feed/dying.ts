import { parentPort } from "node:worker_threads"

// A thread of the feed that ends at its first batch, as one does that runs out of memory.
parentPort?.on("message", () => {
  throw new Error("out of luck")
})
