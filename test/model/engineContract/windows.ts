import type { Vitest } from "@effect/vitest"
import { assert } from "@effect/vitest"
import { Effect, Schema, SchemaGetter } from "effect"
import { readFileSync } from "node:fs"
import { Block, MaxPool } from "../../../src/model/Block.ts"
import type { Engine } from "../../../src/model/Engine.ts"
import * as EngineFeatures from "../../../src/model/EngineFeatures.ts"
import { Features } from "../../../src/model/Features.ts"
import { Network } from "../../../src/model/Network.ts"
import type { Tensor } from "../../../src/model/Tensor.ts"
import { assertNear, openSession } from "./reference.ts"

/** Numbers in a text: JSON has neither NaN nor infinities. */
const Numbers = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.Number), {
    decode: SchemaGetter.transform((text: string) => text.split(" ").map(Number)),
    encode: SchemaGetter.transform((numbers: ReadonlyArray<number>) => numbers.join(" "))
  })
)

const Weight = Schema.Struct({ shape: Schema.Array(Schema.Int), data: Numbers })

const Images = Schema.Struct({
  count: Schema.Int,
  height: Schema.Int,
  width: Schema.Int,
  salt: Schema.Int,
  /** Where NaN and infinities are in the batch (NHWC), and what they are. */
  places: Numbers,
  values: Numbers
})

const Case = Schema.Struct({
  images: Images,
  output: Numbers,
  weight: Schema.optionalKey(Weight),
  bias: Schema.optionalKey(Weight)
})

const Windows = Schema.Struct({
  torch: Schema.String,
  pooling: Schema.Array(Schema.Struct({ ...Case.fields, block: MaxPool, inputGradient: Numbers })),
  others: Schema.Array(Schema.Struct({ ...Case.fields, block: Block })),
  training: Schema.Array(
    Schema.Struct({
      network: Network,
      images: Numbers,
      labels: Schema.Array(Schema.Int),
      weights: Schema.Record(Schema.String, Weight),
      logits: Numbers,
      loss: Schema.Finite,
      gradients: Schema.Record(Schema.String, Numbers)
    })
  )
})

/** What PyTorch makes of windows with NaN and infinities at each of their places, as `windows.py` wrote it down. */
const windows = Schema.decodeSync(Schema.fromJsonString(Windows))(
  readFileSync(new URL("windows.json", import.meta.url), "utf8")
)

const channels = 3

/** The images of a case: whole numbers from -6 to 6, and the special ones. */
const imagesOf = ({ count, height, places, salt, values, width }: typeof Images.Type): Float32Array => {
  const images = Float32Array.from(
    { length: count * height * width * channels },
    (_, i) => ((i * 7919 + salt * 104_729 + ((i * i) % 31)) % 13) - 6
  )
  for (const [i, place] of places.entries()) images[place] = values[i]!
  return images
}

/** That numbers are the expected ones: NaN and infinities at the same places, the others within float32 rounding. */
export const assertSame = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string) => {
  assert.strictEqual(actual.length, expected.length, `${what}: how many`)
  const wrong = Array.from(expected, (e, i) => ({ at: i, expected: e, actual: actual[i]! })).filter(
    ({ actual, expected }) =>
      !Object.is(actual, expected) && !(Math.abs(actual - expected) <= 2e-5 * Math.max(1, Math.abs(expected)))
  )
  assert.deepStrictEqual(wrong.slice(0, 5), [], `${what}: ${wrong.length} of ${expected.length} differ`)
}

const titleOf = (block: Block, { height, width }: typeof Images.Type) => {
  const { _tag, ...fields } = block
  const words = Object.entries(fields).filter(([key]) => !["name", "bias", "init"].includes(key))
  return `${_tag} ${words.map(([key, value]) => `${key} ${value}`).join(", ")} on ${height} x ${width}`
}

/** The cases of max pooling: the input, what PyTorch makes of it, and where it puts the gradient 1, 2, ... 101, 1, 2, ... */
export const poolingCases = windows.pooling.map(({ block, images, inputGradient, output }) => ({
  title: titleOf(block, images),
  block,
  shape: [images.count, images.height, images.width, channels] as const,
  input: imagesOf(images),
  output,
  outputGradient: Float32Array.from(output, (_, i) => (i % 101) + 1),
  inputGradient
}))

const forward = Effect.fnUntraced(function* ({ bias, block, images, output, weight }: (typeof all)[number]) {
  const tensor = ({ data, shape }: typeof Weight.Type): Tensor => ({ shape, data: Float32Array.from(data) })
  const weights = new Map<string, Tensor>()
  if (weight !== undefined) weights.set("block.weight", tensor(weight))
  if (bias !== undefined) weights.set("block.bias", tensor(bias))
  const input = [images.height, images.width, channels] as const
  const { run } = yield* (yield* Features).open({ blocks: [block], input, weights })
  assertSame(yield* run(imagesOf(images), images.count), output, block._tag)
})

const all = [...windows.pooling, ...windows.others]
const title = (one: (typeof all)[number]) =>
  `has NaN and infinities where PyTorch has them: ${titleOf(one.block, one.images)}`

/** Declares that a Layer of `Features` has NaN and infinities where PyTorch has them. */
export const keepsWhatIsNoNumber = (it: Vitest.MethodsNonLive<Features>) => {
  for (const one of all) it.effect(title(one), () => forward(one))
}

/** Declares the same of an engine, in inference and, where sums overflow inside a network, in training. */
export const engineKeepsWhatIsNoNumber = (it: Vitest.MethodsNonLive<Engine>) => {
  for (const one of all) it.effect(title(one), () => Effect.provide(forward(one), EngineFeatures.layer))
  it.effect.each(windows.training.map((record, i) => ({ ...record, i })))(
    "trains as PyTorch does where infinities are inside windows: case $i",
    ({ gradients, images, labels, logits, loss, network, weights }) =>
      Effect.gen(function* () {
        const before = new Map(
          Object.entries(weights).map(([name, { data, shape }]) => [name, { shape, data: Float32Array.from(data) }])
        )
        const session = yield* openSession(network, { weights: before })
        const { height, width } = network
        const size = labels.length
        const batch = {
          index: 0,
          images: Float32Array.from(images),
          labels: Int32Array.from(labels),
          size,
          height,
          width
        }
        const ids = labels.map((_, i) => `sample ${i}`)
        const result = yield* session.train({ ...batch, ids }, { step: 0, learningRate: 1 })
        assertSame(result.logits, logits, "logits")
        assertSame([result.loss], [loss], "loss")
        const { weights: after } = yield* session.snapshot
        for (const [name, gradient] of Object.entries(gradients)) {
          const change = before.get(name)!.data.map((w, i) => w - after.get(name)!.data[i]!)
          assertNear(change, gradient, `gradient of ${name}`, 1e-4)
        }
      })
  )
}
