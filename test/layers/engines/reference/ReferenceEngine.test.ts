import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { layer } from "../../../../src/layers/engines/reference/ReferenceEngine.ts"
import { Engine } from "../../../../src/model/Engine.ts"
import { simpleCnn } from "../../../../src/model/networks/simpleCnn.ts"
import { engineContract } from "../../../model/engineContract.ts"

engineContract("reference", layer, { withoutLarge: process.env["WEFT_WHOLE_SUITE"] === undefined })

it.effect("the reference engine runs every network but one that does not fit its images", () =>
  Effect.gen(function* () {
    const engine = yield* Engine
    yield* engine.preflight(simpleCnn.build({ height: 48, width: 48, classes: 3 }))
    const error = yield* Effect.flip(engine.preflight(simpleCnn.build({ height: 47, width: 48, classes: 3 })))
    assert.strictEqual(error._tag, "EngineUnavailable")
    assert.include(error.message, "too small")
  }).pipe(Effect.provide(layer))
)
