#!/usr/bin/env node
import { enableCompileCache } from "node:module"

// Before anything else is loaded: of the modules that were compiled once, a start reads the compiled code.
enableCompileCache()
const { main } = await import("./cli/main.ts")
const { Effect, Layer } = await import("effect")
main(process.argv.slice(2), Layer.unwrap(Effect.promise(async () => (await import("./Live.ts")).layer)))
