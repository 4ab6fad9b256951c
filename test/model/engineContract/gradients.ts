import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Engine } from "../../../src/model/Engine.ts"
import { parameters } from "../../../src/model/shapes.ts"
import type { Weights } from "../../../src/model/Tensor.ts"
import { mobile, plain } from "./figures.ts"
import { allTrained } from "./freezing.ts"
import { norm, openSession, referenceBatch, referenceWeights, uniform } from "./reference.ts"

/** Declares that an engine's gradients are the slopes of its own loss. */
export const gradientsAreSlopes = (it: Vitest.MethodsNonLive<Engine>, brief: boolean) => {
  const cases = [
    { network: plain, name: plain.name, freezing: undefined },
    ...(brief
      ? []
      : [
          { network: mobile, name: mobile.name, freezing: undefined },
          { network: mobile, name: "mobile by running figures", freezing: { ...allTrained, keepStatistics: true } }
        ])
  ]
  it.effect.each(cases)("has gradients that are the slopes of its loss: $name", ({ freezing, network }) =>
    Effect.gen(function* () {
      const batch = referenceBatch(network, "slope-", 6)
      const weights = referenceWeights(network, "slope-")
      /** The loss of a first step with the given weights, and the weights after it: less the gradient, as sgd has it. */
      const train = Effect.fnUntraced(function* (weights: Weights) {
        const session = yield* openSession(network, { weights, labelSmoothing: 0.1, freezing })
        const { loss } = yield* session.train(batch, { step: 0, learningRate: 1 })
        return { loss, after: (yield* session.snapshot).weights }
      }, Effect.scoped)
      const { after } = yield* train(weights)
      for (const { name, shape } of parameters(network).filter(({ trainable }) => trainable)) {
        const { data } = weights.get(name)!
        const gradient = data.map((w, i) => w - after.get(name)!.data[i]!)
        const length = norm(gradient)
        assert.isAbove(length, 1e-3, `${name} has a gradient`)
        // Half along the gradient, so that the slope is large against rounding, and half anywhere, so that a gradient
        // in a wrong order shows.
        const anywhere = uniform("slope-", `direction of ${name}`, data.length)
        const direction = data.map((_, i) => gradient[i]! / length + anywhere[i]! / norm(anywhere))
        const lossAt = (h: number) =>
          Effect.map(
            train(new Map([...weights, [name, { shape, data: data.map((w, i) => w + h * direction[i]!) }]])),
            ({ loss }) => loss
          )
        const h = 3e-4 // further, and activations and windows switch; nearer, and float32 rounding shows
        const slope = ((yield* lossAt(h)) - (yield* lossAt(-h))) / (2 * h)
        const expected = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0)
        const rounding = 2 ** -22 / (2 * h) // one unit in the last place of a float32 loss of 2 to 4
        assert.isBelow(
          Math.abs(slope - expected),
          0.03 * length + rounding,
          `${name}: slope ${slope}, by gradient ${expected}`
        )
      }
    })
  )
}
