import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { modelMetadata } from "../../../src/model/Model.ts"
import { mobilenetV2 } from "../../../src/model/networks/mobilenetV2.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import type { Beside, Metadata } from "../../../src/model/Pretrained.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import type { Weights } from "../../../src/model/Tensor.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import { resolveConfig } from "../../../src/run/train/resolveConfig.ts"

interface Given {
  readonly beside?: Beside
  readonly metadata?: Metadata
  readonly image?: object
  readonly network?: object
  readonly tensors?: Weights
  /** The image settings of the run, where it has begun. */
  readonly begun?: object
}

/** The configuration that comes of a file's metadata, and the notes on the way. */
const resolved = ({ begun, beside, image = {}, metadata = {}, network = {}, tensors = new Map() }: Given) =>
  Effect.gen(function* () {
    const notes: Array<string> = []
    const raw = { data: { root: "shop" }, image, network: { name: "mobilenet-v2", weights: "w", ...network } }
    const before = begun === undefined ? undefined : yield* decodeRunConfig({ ...raw, image: begun }, "test")
    const config = yield* Effect.flatMap(decodeRunConfig(raw, "test"), (one) => resolveConfig(one, before)).pipe(
      Effect.provideService(Progress, (event) =>
        Effect.sync(() => void notes.push(event._tag === "Note" ? event.line : event._tag))
      )
    )
    return { image: config.image, padding: config.network.padding, positions: config.network.positions, notes }
  }).pipe(Effect.provide(Pretrained.layerMemory({ w: { metadata, tensors, ...(beside && { beside }) } })))

const metadata = { mean: "0.1, 0.2,0.3", std: "[0.4, 0.5, 0.6]", padding: "same", source: "a test" }

it.effect("mean, std and padding are the file's where the configuration says nothing, and a note tells them", () =>
  Effect.gen(function* () {
    const { image, notes, padding } = yield* resolved({ metadata })
    assert.deepStrictEqual([image.mean, image.std, padding], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], "same"])
    assert.deepStrictEqual(notes, ["taken from the weights' own file: mean 0.1,0.2,0.3; std 0.4,0.5,0.6; padding same"])
  })
)

it.effect("what the configuration says comes first, even where the file is wrong about it", () =>
  Effect.gen(function* () {
    const { image, notes, padding } = yield* resolved({
      metadata: { ...metadata, mean: "grey", padding: "odd" },
      image: { mean: [0.7, 0.8, 0.9] },
      network: { padding: "symmetric" }
    })
    assert.deepStrictEqual([image.mean, image.std, padding], [[0.7, 0.8, 0.9], [0.4, 0.5, 0.6], "symmetric"])
    assert.deepStrictEqual(notes, ["taken from the weights' own file: std 0.4,0.5,0.6"])
  })
)

it.effect("what the file leaves open is taken from beside it, and the notes tell which is whose", () =>
  Effect.gen(function* () {
    const beside = { from: "a letter", metadata: { mean: "0.7,0.8,0.9", std: "0.1,0.2,0.25", padding: "symmetric" } }
    const { image, notes, padding } = yield* resolved({ beside, metadata: { std: "0.4,0.5,0.6", padding: "same" } })
    assert.deepStrictEqual([image.mean, image.std, padding], [[0.7, 0.8, 0.9], [0.4, 0.5, 0.6], "same"])
    assert.deepStrictEqual(notes, [
      "taken from the weights' own file: std 0.4,0.5,0.6; padding same",
      "taken from a letter: mean 0.7,0.8,0.9"
    ])
  })
)

it.effect("a note tells that nobody says with which mean and std the weights were trained", () =>
  Effect.gen(function* () {
    const silent = yield* resolved({ metadata: { format: "pt" } })
    assert.isUndefined(silent.image.mean)
    assert.strictEqual(silent.notes.length, 1)
    assert.include(silent.notes[0], "does not have its mean and std: 0.5 is used")
    assert.include(silent.notes[0], "image.mean = [0.485,0.456,0.406]")
    const half = yield* resolved({ metadata: { std: "0.4,0.5,0.6" } })
    assert.include(half.notes[1], "does not have its mean: 0.5 is used")
    const told = yield* resolved({ image: { mean: [0.7, 0.8, 0.9], std: [0.4, 0.5, 0.6] } })
    assert.deepStrictEqual(told.notes, [])
  })
)

it.effect("metadata that cannot be is an error that names the key and what to do", () =>
  Effect.gen(function* () {
    const wrong: ReadonlyArray<readonly [string, Metadata]> = [
      ["mean", { mean: "0.1,0.2" }],
      ["mean", { mean: "0.1,,0.3" }],
      ["mean", { mean: "0.1,0.2,123.675" }],
      ["std", { std: "0.1,0.2,0" }],
      ["std", { std: "one,two,three" }],
      ["padding", { padding: "valid" }]
    ]
    for (const [key, metadata] of wrong) {
      const error = yield* Effect.flip(resolved({ metadata }))
      if (error._tag !== "WeightsError") return assert.fail(error.message)
      assert.strictEqual(error.reason, "unreadable")
      assert.include(error.message, `["${key}"]`)
      assert.include(error.message, "Set `image.mean`")
    }
  })
)

it.effect("the padding is MobileNetV2's alone, and without weights nothing is asked", () =>
  Effect.gen(function* () {
    const { notes, padding } = yield* resolved({ metadata, network: { name: "vgg16" } })
    assert.isUndefined(padding)
    assert.notInclude(notes.join(), "padding")
    const config = yield* decodeRunConfig({ data: { root: "shop" } }, "test")
    assert.strictEqual(yield* Effect.provide(resolveConfig(config), Pretrained.layerMemory({})), config)
  })
)

it.effect("of another run's weights come its own mean, std and padding, those that it left open among them", () =>
  Effect.gen(function* () {
    const weft = (padding: "same" | "symmetric", image: object) =>
      modelMetadata({
        network: mobilenetV2.build({ height: 64, width: 64, classes: 2, head: "fc", padding }),
        labels: ["cap", "scarf"],
        image: Schema.decodeUnknownSync(ImageConfig)(image),
        weights: new Map()
      })
    const mean = [0.1, 0.2, 0.3]
    const padded = yield* resolved({ metadata: { weft: weft("same", { mean, std: [0.4, 0.5, 0.6] }) } })
    assert.deepStrictEqual([padded.image.mean, padded.image.std, padded.padding], [mean, [0.4, 0.5, 0.6], "same"])
    assert.match(padded.notes[0] ?? "", /^taken from the run whose weights these are: mean 0\.1,0\.2,0\.3/)
    const open = yield* resolved({ metadata: { weft: weft("symmetric", {}) }, image: { mean } })
    assert.deepStrictEqual([open.image.mean, open.image.std, open.padding], [mean, [0.5, 0.5, 0.5], "symmetric"])
    assert.lengthOf(open.notes, 1)
  })
)

describe("of a ViT at another size than its weights'", () => {
  const network = { name: "vit-s16" }
  const image = { height: 96, width: 64, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
  const tensorsOf = (length: number) =>
    new Map([["pos_embed", { shape: [1, length, 2], data: new Float32Array(2 * length) }]])

  it.effect("the grid of its position embeddings is recorded, and a note tells that they are resampled", () =>
    Effect.gen(function* () {
      const other = yield* resolved({ image, network, tensors: tensorsOf(197) })
      assert.deepStrictEqual(other.positions, [14, 14])
      assert.deepStrictEqual(other.notes, [
        "the weights' position embeddings are resampled from 14 x 14 to 6 x 4 patches (bicubic, antialiased), as images are of 96 x 64 pixels"
      ])
      const complete = yield* resolved({
        image,
        network: { ...network, positions: [14, 14] },
        tensors: tensorsOf(197)
      })
      assert.deepStrictEqual([complete.positions, complete.notes], [[14, 14], []])
      const same = yield* resolved({
        image: { ...image, height: 224, width: 224 },
        network,
        tensors: tensorsOf(197)
      })
      assert.deepStrictEqual([same.positions, same.notes], [undefined, []])
    })
  )

  it.effect("a grid that is no square has to be given", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(resolved({ image, network, tensors: tensorsOf(127) }))
      assert.include(error.message, "126 patches, which is no square. Set `network.positions`")
      const given = yield* resolved({ image, network: { ...network, positions: [14, 9] }, tensors: tensorsOf(127) })
      assert.deepStrictEqual(given.positions, [14, 9])
    })
  )
})

it.effect("the kernel is the file's, its hub's or its run's, and a run that has begun keeps its own", () =>
  Effect.gen(function* () {
    const mean = "0.1,0.2,0.3"
    const beside = { from: "a letter", metadata: { kernel: "linear" } }
    const found = yield* resolved({ metadata: { mean, std: mean }, beside })
    assert.strictEqual(found.image.kernel, "linear")
    assert.strictEqual(found.notes[1], "taken from a letter: kernel linear")
    // The usual one is that of a configuration without any, and nothing to report.
    const usual = yield* resolved({ metadata: { mean, std: mean, kernel: "cubic" }, beside })
    assert.notProperty(usual.image, "kernel")
    assert.lengthOf(usual.notes, 1)
    assert.strictEqual((yield* resolved({ metadata, beside, image: { kernel: "cubic" } })).image.kernel, "cubic")
    assert.strictEqual((yield* resolved({ metadata, beside, begun: { kernel: "nearest" } })).image.kernel, "nearest")
    assert.notProperty((yield* resolved({ metadata, beside, begun: {} })).image, "kernel")
    const weft = modelMetadata({
      network: mobilenetV2.build({ height: 64, width: 64, classes: 2 }),
      labels: ["cap", "scarf"],
      image: Schema.decodeUnknownSync(ImageConfig)({ kernel: "lanczos3" }),
      weights: new Map()
    })
    assert.strictEqual((yield* resolved({ metadata: { weft }, beside })).image.kernel, "lanczos3")
    const error = yield* Effect.flip(resolved({ metadata: { ...metadata, kernel: "sharp" } }))
    assert.include(error.message, "image.kernel")
  })
)
