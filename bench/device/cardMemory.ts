import { Effect } from "effect"
import { spawn } from "node:child_process"

/** A card's memory in use, MiB, by any process, and its power, W; the highest of samples half a second apart. */
export interface CardUse {
  readonly beforeMiB: number
  readonly peakMiB: number
  readonly peakWatts: number
}

/** Follows the first card by `nvidia-smi` until the scope closes: what it has seen so far, or undefined without one. */
export const cardMemory = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const samples: Array<readonly [mib: number, watts: number]> = []
      const child = spawn(
        "nvidia-smi",
        ["--id=0", "--query-gpu=memory.used,power.draw", "--format=csv,noheader,nounits", "--loop-ms=500"],
        { stdio: ["ignore", "pipe", "ignore"] }
      )
      child.on("error", () => {}) // there is no nvidia-smi, and then there are no samples
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        for (const [, mib, watts] of text.matchAll(/^(\d+), ([\d.]+)$/gm)) samples.push([Number(mib), Number(watts)])
      })
      return { child, samples }
    }),
    ({ child }) => Effect.sync(() => child.kill())
  ),
  ({ samples }) =>
    Effect.sync((): CardUse | undefined => {
      const [first] = samples
      return first === undefined
        ? undefined
        : {
            beforeMiB: first[0],
            peakMiB: Math.max(...samples.map(([mib]) => mib)),
            peakWatts: Math.max(...samples.map(([, watts]) => watts))
          }
    })
)
