import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { predictorOf } from "../../src/model/Predictor.ts"
import { featureSession } from "../../src/model/featureSession.ts"
import { rememberFeatures } from "../../src/model/rememberFeatures.ts"
import { columnNamed } from "../columnNamed.ts"

it.effect("features of a batch and of its mirror image are computed once for all who look at both", () =>
  Effect.gen(function* () {
    const asked: Array<number> = []
    const features = rememberFeatures({
      engine: "test",
      shape: [2],
      key: "the two ends",
      run: (images, size) =>
        Effect.sync(() => {
          asked.push(images[0]!)
          return Float32Array.from({ length: size * 2 }, (_, i) => images[i % 2 === 0 ? 0 : images.length - 1]!)
        })
    })
    const sessionOf = (factor: number) =>
      featureSession(
        {
          train: () => Effect.die("not trained"),
          predict: ({ images }) => Effect.succeed(images.map((x) => factor * x)),
          snapshot: Effect.die("not asked for"),
          restore: () => Effect.void
        },
        features
      )
    const predictors = [1, 2, 3].map((factor) =>
      predictorOf(sessionOf(factor), { tta: "flip" }, [columnNamed("label", 2)])
    )
    const batch = (from: number) => ({
      index: 0,
      images: Float32Array.from({ length: 9 }, (_, i) => from + i),
      labels: Int32Array.of(1),
      ids: ["a"],
      size: 1,
      height: 1,
      width: 3
    })
    const [one, other] = [batch(0), batch(50)]
    const first = yield* Effect.forEach(predictors, ({ predict }) => predict(one))
    // A row of three pixels begins with the last one when it is mirrored.
    assert.deepStrictEqual(asked, [0, 6])
    const second = yield* Effect.forEach(predictors, ({ predict }) => predict(other))
    assert.deepStrictEqual(asked, [0, 6, 50, 56])
    assert.notDeepEqual(first[0], first[1])
    assert.strictEqual(second.length, 3)
  })
)
