// Run in a process of its own, so that it can be killed: fetches a hub's file once it is told to on standard input.
import { Effect } from "effect"
import { once } from "node:events"
import { Timing } from "../../../src/layers/hub/download/download.ts"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"

console.log("ready")
await once(process.stdin, "data")
process.stdin.destroy()
const timing = { patience: 20_000, pause: 20, longestWait: 1000 }
console.log(await Effect.runPromise(Effect.provideService(hubFile(process.argv[2] ?? ""), Timing, timing)))
