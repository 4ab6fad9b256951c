import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { begin, encodeCheckpoint } from "../../../../src/model/Checkpoint.ts"
import * as ChildTrainings from "../../../../src/layers/desk/server/ChildTrainings.ts"
import { Trainings } from "../../../../src/run/serve/Trainings.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

it.live("tells how many epochs a training has done while it goes on, by its newest checkpoint", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    // A training that goes on until it is stopped.
    const program = join(folder, "train.mjs")
    writeFileSync(program, "setInterval(() => {}, 1000)")
    const checkpoints = join(folder, "runs", "one", "checkpoints")
    mkdirSync(checkpoints, { recursive: true })
    for (const epoch of [1, 3]) {
      const bytes = yield* encodeCheckpoint({
        digest: "d",
        ledger: { listed: 9, kept: 9, refused: {}, leftOut: {} },
        training: { ...begin, epoch, step: epoch * 7 },
        session: { weights: new Map(), optimizer: { step: epoch * 7, slots: new Map() } }
      })
      writeFileSync(join(checkpoints, `step-${String(epoch * 7).padStart(8, "0")}.safetensors`), bytes)
    }
    const done = yield* Deferred.make<number>()
    yield* Effect.gen(function* () {
      const trainings = yield* Trainings
      const fiber = yield* Effect.forkChild(
        trainings.train("one", (epoch) => Effect.asVoid(Deferred.succeed(done, epoch)))
      )
      assert.strictEqual(yield* Deferred.await(done), 3)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(ChildTrainings.layer({ folder, images: join(folder, "images"), program })))
  })
)
