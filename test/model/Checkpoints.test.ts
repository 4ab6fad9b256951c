import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { CheckpointError, Checkpoints, make } from "../../src/model/Checkpoints.ts"
import { assertSame, checkpointAt, checkpointsContract } from "./checkpointsContract.ts"

checkpointsContract(
  "in memory",
  200,
  Effect.sync(() => {
    const files = new Map<string, Uint8Array>()
    return {
      open: (keep) => Checkpoints.pipe(Effect.provide(Checkpoints.layerMemory(keep, files))),
      names: Effect.sync(() => [...files.keys()]),
      read: (name) => Effect.fromNullishOr(files.get(name)).pipe(Effect.orDie),
      write: (name, bytes) => Effect.sync(() => void files.set(name, bytes))
    }
  })
)

const refused = (path: string) => new CheckpointError({ path, reason: "notPermitted", detail: "no" })

/** Files in memory, some of which cannot be read or removed; reading takes its time, writing and removing do not. */
const slowFiles = (options: { readonly unreadable?: string; readonly immovable?: string } = {}) => {
  const content = new Map<string, Uint8Array>()
  const wait = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })
  const unless = <A>(name: string, forbidden: string | undefined, value: () => A) =>
    Effect.suspend(() => (name === forbidden ? Effect.fail(refused(name)) : Effect.sync(value)))
  return {
    content,
    files: {
      list: Effect.sync(() => [...content.keys()]),
      read: (name: string) =>
        Effect.andThen(
          wait,
          unless(name, options.unreadable, () => content.get(name))
        ),
      write: (name: string, bytes: Uint8Array) => Effect.sync(() => void content.set(name, bytes)),
      remove: (name: string) => unless(name, options.immovable, () => void content.delete(name))
    }
  }
}

it.effect("a checkpoint is not cleared away while it is being looked for", () =>
  Effect.gen(function* () {
    const checkpoints = make(slowFiles().files, 1)
    yield* checkpoints.save(checkpointAt(1))
    const [found] = yield* Effect.all(
      [
        Effect.forEach(Array.from({ length: 9 }), () => checkpoints.latest("run a"), { concurrency: 3 }),
        Effect.forEach([2, 3, 4, 5, 6, 7, 8, 9], (step) => checkpoints.save(checkpointAt(step)))
      ],
      { concurrency: 2 }
    )
    for (const { checkpoint } of found) assert.isDefined(checkpoint)
  })
)

it.effect("a file that cannot be read is passed over, kept, and the one before is used", () =>
  Effect.gen(function* () {
    const { content, files } = slowFiles({ unreadable: "step-00000002.safetensors" })
    const checkpoints = make(files, 2)
    yield* checkpoints.save(checkpointAt(1))
    yield* checkpoints.save(checkpointAt(2))
    const { checkpoint, passedOver } = yield* checkpoints.latest("run a")
    assertSame(checkpoint, checkpointAt(1))
    assert.deepStrictEqual(passedOver, [{ file: "step-00000002.safetensors", reason: "unreadable", detail: "no" }])
    yield* checkpoints.save(checkpointAt(3))
    yield* checkpoints.save(checkpointAt(4))
    assert.isTrue(content.has("step-00000002.safetensors"))
  })
)

it.effect("an old file that cannot be removed does not fail the save", () =>
  Effect.gen(function* () {
    const { content, files } = slowFiles({ immovable: "step-00000001.safetensors" })
    const checkpoints = make(files, 1)
    for (const step of [1, 2, 3]) yield* checkpoints.save(checkpointAt(step))
    assert.sameMembers([...content.keys()], ["step-00000001.safetensors", "step-00000003.safetensors"])
  })
)
