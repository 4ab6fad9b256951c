// Run in a process of its own, so that it can be killed: fetches a hub's file, with the hub in the environment.
import { Effect } from "effect"
import { Timing } from "../../../src/layers/download/download.ts"
import { hubFile } from "../../../src/layers/hub/hubFile.ts"

const timing = { patience: 20_000, pause: 20, longestWait: 1000 }
console.log(await Effect.runPromise(Effect.provideService(hubFile(process.argv[2] ?? ""), Timing, timing)))
