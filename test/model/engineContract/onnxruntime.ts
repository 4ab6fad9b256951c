import type { Vitest } from "@effect/vitest"
import { Effect } from "effect"
import * as OnnxFeatures from "../../../src/layers/features/OnnxFeatures.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { openFeaturesPredictor } from "../../../src/model/featuresPredictor.ts"
import { inferenceOptions } from "../../../src/model/Model.ts"
import type { Network } from "../../../src/model/Network.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { simpleCnn } from "../../../src/model/networks/simpleCnn.ts"
import { assertNear, referenceBatch, referenceWeights } from "./reference.ts"

const networks: ReadonlyArray<Network> = [
  simpleCnn.build({ height: 50, width: 67, classes: 11 }),
  mobilenetV2.build({ height: 64, width: 96, classes: 7, head: "batchnorm", padding: "same" })
]

/** Declares that a whole network has the same logits in an engine and in onnxruntime: what one trained, the other applies. */
export const agreesWithOnnxruntime = (it: Vitest.MethodsNonLive<Engine>) => {
  for (const network of networks)
    it.effect(`gives ${network.name}'s logits as onnxruntime does, to 1e-4`, () =>
      Effect.gen(function* () {
        const weights = referenceWeights(network, "onnx-")
        const batch = referenceBatch(network, "onnx-", 3)
        const session = yield* (yield* Engine).open(inferenceOptions({ network, weights }))
        const { predictor } = yield* openFeaturesPredictor({ network, weights })
        assertNear(yield* predictor.predict(batch), [...(yield* session.predict(batch))], "logits", 1e-4)
      }).pipe(Effect.provide(OnnxFeatures.layer))
    )
}
