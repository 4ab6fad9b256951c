import type { Adapter } from "./Adapter.ts"
import { api, findBest } from "./dawn.ts"

// Run as a program of its own (see `probeAdapter`), for "gpu" or "cpu": prints the adapter that Dawn finds as JSON, or null.
const { adapter } = await findBest(process.argv[2] === "cpu" ? "cpu" : "gpu")
const facts: Adapter | null = adapter && {
  name: adapter.info.device,
  vendor: adapter.info.vendor,
  architecture: adapter.info.architecture,
  driver: adapter.info.description,
  software: adapter.info.isFallbackAdapter,
  api,
  largestBuffer: Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize),
  workgroupMemory: adapter.limits.maxComputeWorkgroupStorageSize,
  workgroupThreads: adapter.limits.maxComputeInvocationsPerWorkgroup
}
console.log(JSON.stringify(facts))
