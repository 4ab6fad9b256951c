import { ConfigProvider, Effect } from "effect"
import { createHash } from "node:crypto"
import { Timing } from "../../../src/layers/hub/download/download.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { encode } from "../../../src/model/safetensors.ts"
import { draw } from "../../../src/pipeline/draw.ts"

const random = draw("weights of the hub's tests")

/** A file of weights of 240 kB, all bytes of which are of account. */
export const bytes = encode(
  new Map([["conv.weight", { shape: [200, 300], data: Float32Array.from({ length: 60_000 }, () => random.normal()) }]]),
  { mean: "0.1,0.2,0.3" }
)

export const sha256 = createHash("sha256").update(bytes).digest("hex")

/** The hub's headers beside a file of these bytes, as it answers before it leads to where they lie. */
export const linked = { "x-linked-etag": `"${sha256}"`, "x-linked-size": String(bytes.length) }

/** With the hub, the cache and the like of an environment of its own, quick tries, and notes into a list. */
export const withHub = (
  environment: Readonly<Record<string, string>>,
  { notes = [], patience = 20_000 }: { readonly notes?: Array<string>; readonly patience?: number } = {}
) => {
  const tell = (event: ProgressEvent) => Effect.sync(() => void (event._tag === "Note" && notes.push(event.line)))
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    effect.pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: environment })),
      Effect.provideService(Timing, { patience, pause: 20, longestWait: 10_000 }),
      Effect.provideService(Progress, tell)
    )
}
