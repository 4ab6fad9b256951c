import { assert, describe, it } from "@effect/vitest"
import type { Block, Initialiser } from "../../src/model/Block.ts"
import { initialise } from "../../src/model/initialise.ts"
import type { Network } from "../../src/model/Network.ts"

const conv = (name: string, init: Initialiser): Block => ({
  _tag: "Conv2d",
  name,
  filters: 50,
  kernel: [5, 3],
  stride: 1,
  padding: "same",
  bias: true,
  init
})

const network = (...blocks: ReadonlyArray<Block>): Network => ({
  name: "some",
  height: 6,
  width: 9,
  classes: 40,
  blocks: [
    ...blocks,
    { _tag: "BatchNorm", name: "norm", eps: 1e-5, momentum: 0.1 },
    { _tag: "GlobalAveragePool" },
    { _tag: "Dense", name: "fc", units: 40, bias: true, init: "torch" }
  ]
})

/** Mean, standard deviation, and fourth moment over the squared second: 1.8 for a uniform, 3 for a normal one. */
const moments = (data: Float32Array) => {
  const mean = data.reduce((sum, x) => sum + x / data.length, 0)
  const of = (power: number) => data.reduce((sum, x) => sum + (x - mean) ** power / data.length, 0)
  return { mean, deviation: Math.sqrt(of(2)), kurtosis: of(4) / of(2) ** 2 }
}

const dataOf = (name: string, seed: number, ...blocks: ReadonlyArray<Block>) =>
  initialise(network(...blocks), seed).get(name)!.data

describe("initialise", () => {
  // The first convolution sees 3 channels: fan in 45, fan out 750; the second 50: fan in and out 750.
  it("draws PyTorch's default: uniform within 1 / sqrt(fan in), biases too", () => {
    const data = dataOf("b.weight", 1, conv("a", "torch"), conv("b", "torch"))
    const bound = 1 / Math.sqrt(750)
    assert.strictEqual(data.length, 50 * 750)
    assert.isAtMost(Math.max(...data.map(Math.abs)), bound)
    assert.isAbove(Math.max(...data), 0.999 * bound)
    assert.isBelow(Math.min(...data), -0.999 * bound)
    const { deviation, kurtosis, mean } = moments(data)
    assert.approximately(mean / bound, 0, 0.015)
    assert.approximately(deviation / bound, 1 / Math.sqrt(3), 0.01)
    assert.approximately(kurtosis, 1.8, 0.05)
    const bias = dataOf("a.bias", 1, conv("a", "torch"))
    assert.isAtMost(Math.max(...bias.map(Math.abs)), 1 / Math.sqrt(45))
    assert.isAbove(Math.max(...bias.map(Math.abs)), 0.8 / Math.sqrt(45))
  })

  it("draws xavier-uniform within sqrt(6 / (fan in + fan out)), with biases of zero", () => {
    const data = dataOf("a.weight", 1, conv("a", "xavier-uniform"))
    const bound = Math.sqrt(6 / (45 + 750))
    assert.isAtMost(Math.max(...data.map(Math.abs)), bound)
    assert.isAbove(Math.max(...data.map(Math.abs)), 0.99 * bound)
    assert.approximately(moments(data).kurtosis, 1.8, 0.1)
    assert.isTrue(dataOf("a.bias", 1, conv("a", "xavier-uniform")).every((x) => x === 0))
  })

  it("draws he-normal with a deviation of sqrt(2 / fan in)", () => {
    const { deviation, kurtosis, mean } = moments(dataOf("b.weight", 1, conv("a", "he-normal"), conv("b", "he-normal")))
    assert.approximately(deviation / Math.sqrt(2 / 750), 1, 0.02)
    assert.approximately(mean / Math.sqrt(2 / 750), 0, 0.02)
    assert.approximately(kurtosis, 3, 0.15)
  })

  it("begins a batch norm as the identity", () => {
    const weights = initialise(network(conv("a", "torch")), 1)
    for (const [part, value] of Object.entries({ weight: 1, bias: 0, running_mean: 0, running_var: 1 }))
      assert.deepStrictEqual(weights.get(`norm.${part}`)!.data, new Float32Array(50).fill(value))
  })

  it("gives the same bits for the same seed, and others for another", () => {
    const blocks = [conv("a", "torch"), conv("b", "he-normal")]
    assert.deepStrictEqual(initialise(network(...blocks), 3), initialise(network(...blocks), 3))
    for (const name of ["a.weight", "a.bias", "b.weight", "fc.weight"])
      assert.notDeepEqual(dataOf(name, 4, ...blocks), dataOf(name, 3, ...blocks))
  })

  it("does not change a weight when a block is added in front or behind", () => {
    const a = conv("a", "torch")
    const alone = initialise(network(a), 3)
    const more = initialise(network(a, { _tag: "Activation", kind: "relu" }, conv("b", "he-normal")), 3)
    for (const [name, tensor] of alone) assert.deepStrictEqual(more.get(name), tensor, name)
    assert.notDeepEqual(more.get("a.bias")?.data, more.get("b.bias")?.data)
  })

  it("gives blocks of the same shape different weights", () => {
    const weights = initialise(network(conv("a", "torch"), conv("b", "torch"), conv("c", "torch")), 3)
    assert.notDeepEqual(weights.get("b.weight")!.data, weights.get("c.weight")!.data)
  })
})
