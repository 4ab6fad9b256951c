#!/usr/bin/env node
import * as module from "node:module"

// Nothing else is imported above: an older Node would end with an error that names neither itself nor what to do.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `Weft needs Node 22.19 or later, and this is ${process.versions.node}. Install it from nodejs.org, or let npm bring one:\n` +
      "  npx -p node@24 -p weft-ml weft train"
  )
  process.exit(1)
}

// Before anything else is loaded: of the modules that were compiled once, a start reads the compiled code.
module.enableCompileCache()
const { main } = await import("./cli/main.ts")
const { Effect, Layer } = await import("effect")
main(process.argv.slice(2), Layer.unwrap(Effect.promise(async () => (await import("./Live.ts")).layer)))
