import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { RunFolder } from "../../../../src/run/RunFolder.ts"
import type { RunLogger } from "../../../../src/run/RunLogger.ts"
import { RunLoggers } from "../../../../src/run/RunLogger.ts"
import { tensorboardLogger } from "../../../../src/run/train/tensorboard/tensorboardLogger.ts"
import { trainRun } from "../../../../src/run/train/trainRun.ts"
import { interruptedAt, tinyConfig, tinyLayers } from "../tinyRun.ts"

const file = "tensorboard/events.out.tfevents.weft"

/** The whole records of an event file: those of a curve as its steps, by its tag. What is cut off is left out. */
const stepsIn = (bytes: Uint8Array): Readonly<Record<string, ReadonlyArray<number>>> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: Record<string, Array<number>> = {}
  for (let at = 0; at + 12 <= bytes.length;) {
    const length = Number(view.getBigUint64(at, true))
    if (at + 16 + length > bytes.length) break
    const data = bytes.subarray(at + 12, at + 12 + length)
    at += 16 + length
    // wall_time: a tag and 8 bytes; step: the tag 0x10 and a varint.
    if (data[9] !== 0x10) continue
    let step = 0
    let i = 10
    for (let shift = 0; ; shift += 7) {
      const byte = data[i++] ?? 0
      step |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    for (const [tag] of new TextDecoder("latin1").decode(data).matchAll(/(?:epoch|step)\/[a-z /]+/g))
      (found[tag] ??= []).push(step)
  }
  return found
}

const epochs = (n: number) => Array.from({ length: n }, (_, i) => i + 1)

/** Looks at the file after each epoch. */
const looking =
  (seen: Array<number>): RunLogger =>
  (run) =>
    Effect.succeed({
      epoch: () =>
        Effect.map(
          run.folder.read(file),
          (bytes) => void seen.push(stepsIn(bytes)["epoch/loss/training"]?.length ?? 0)
        ),
      ended: () => Effect.void
    })

describe("TensorBoard's events of a run", () => {
  it.effect("are there after each epoch, and no step twice in a run that was killed within an append and went on", () =>
    Effect.gen(function* () {
      const folder = yield* RunFolder
      const config = yield* tinyConfig({ tensorboard: true })
      const seen: Array<number> = []
      const within = Effect.provideService(RunLoggers, [tensorboardLogger, looking(seen)])
      yield* interruptedAt(config, { epoch: 3, step: 1 }).pipe(within)
      assert.deepStrictEqual(seen.splice(0), [1, 2])
      const left = yield* folder.read(file)
      assert.deepStrictEqual(stepsIn(left)["epoch/loss/training"], [1, 2])
      // Of an append, half was written.
      yield* folder.append(file, left.slice(0, 40))
      assert.deepStrictEqual(stepsIn(yield* folder.read(file))["epoch/loss/training"], [1, 2])

      const { data, history } = yield* trainRun(config).pipe(within)
      assert.deepStrictEqual(seen, [3, 4])
      const found = stepsIn(yield* folder.read(file))
      const steps = history.length * Math.ceil(data.train / config.train.batchSize)
      for (const tag of ["epoch/loss/training", "epoch/loss/validation", "epoch/learning rate"])
        assert.deepStrictEqual(found[tag], epochs(4), tag)
      for (const tag of ["step/loss", "step/learning rate"]) assert.deepStrictEqual(found[tag], epochs(steps), tag)
    }).pipe(Effect.provide(tinyLayers()))
  )

  it.effect("are only written where the configuration says so", () =>
    Effect.gen(function* () {
      yield* trainRun(yield* tinyConfig()).pipe(Effect.provideService(RunLoggers, [tensorboardLogger]))
      assert.isFalse(yield* RunFolder.use((folder) => folder.has(file)))
    }).pipe(Effect.provide(tinyLayers()))
  )
})
