import { workerData } from "node:worker_threads"
import type { ThreadData } from "./Crew.ts"
import { serve } from "./Crew.ts"

// What `Crew` starts its threads with.
serve(workerData as ThreadData)
