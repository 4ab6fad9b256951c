import { Effect, Layer } from "effect"
import * as os from "node:os"
import effect from "effect/package.json" with { type: "json" }
import sharp from "sharp"
import { manifest } from "./manifest.ts"
import { Machine } from "../../run/Machine.ts"

/** The machine as Node and the operating system describe it. */
export const layer = Layer.effect(
  Machine,
  Effect.sync(() => ({
    platform: `${os.platform()} ${os.release()}`,
    arch: os.arch(),
    cpus: os.availableParallelism(),
    memory: os.totalmem(),
    versions: {
      weft: manifest.version,
      node: process.versions.node,
      effect: effect.version,
      sharp: sharp.versions.sharp ?? "unknown",
      libvips: sharp.versions.vips
    }
  }))
)
