import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as ReferenceEngine from "../../../src/layers/engines/reference/ReferenceEngine.ts"
import { Engine } from "../../../src/model/Engine.ts"
import { Engines } from "../../../src/model/Engines.ts"
import { Features } from "../../../src/model/Features.ts"
import { Checkpoints } from "../../../src/model/Checkpoints.ts"
import type { Model } from "../../../src/model/Model.ts"
import { encodeModel, inferenceOptions } from "../../../src/model/Model.ts"
import { Pretrained } from "../../../src/model/Pretrained.ts"
import { decode } from "../../../src/model/safetensors.ts"
import { teacherView } from "../../../src/model/teacherView.ts"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { Images } from "../../../src/pipeline/Images.ts"
import type { ProgressEvent } from "../../../src/pipeline/Progress.ts"
import { Progress } from "../../../src/pipeline/Progress.ts"
import { withKey } from "../../../src/pipeline/withKey.ts"
import { readModel } from "../../../src/run/readModel.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { trainRun } from "../../../src/run/train/trainRun.ts"
import { assertNear } from "../../model/engineContract/reference.ts"
import { formatOf } from "../../../src/model/export/formats.ts"
import { interruptedAt, textIn, tinyConfig, tinyIds, tinyLayers } from "./tinyRun.ts"

/** The model of a tiny run with another seed, by which the students here are taught. */
const bigModel = (overrides: object = {}, rows?: Parameters<typeof tinyLayers>[0]) =>
  Effect.gen(function* () {
    yield* trainRun(yield* tinyConfig({ seed: 5, train: { epochs: 2, batchSize: 3, select: "last" }, ...overrides }))
    return yield* readModel(yield* RunFolder)
  }).pipe(Effect.provide(tinyLayers(rows)))

const filesOf = (models: Readonly<Record<string, Model>>) =>
  Pretrained.layerMemory(
    Object.fromEntries(
      Object.entries(models).map(([name, model]) => {
        const { metadata, tensors } = Effect.runSync(Effect.fromResult(decode(encodeModel(model))))
        return [name, { metadata, tensors }]
      })
    )
  )

/** Every stage from memory, with these models as runs. */
const layersWith = (models: Readonly<Record<string, Model>>, rows?: Parameters<typeof tinyLayers>[0]) =>
  Layer.merge(tinyLayers(rows), filesOf(models))

const studentOf = (teacher: unknown, overrides: object = {}) =>
  tinyConfig({ train: { epochs: 2, batchSize: 3, select: "last", teacher }, ...overrides })

/** The reference engine, and every batch that it was trained on. */
const watched = () => {
  const given: Array<Batch> = []
  const layer = Engines.layerOf(
    Layer.effect(
      Engine,
      Effect.map(Engine, (engine) => ({
        ...engine,
        open: (options: Parameters<typeof engine.open>[0]) =>
          Effect.map(engine.open(options), (session) => ({
            ...session,
            train: (batch: Batch, at: Parameters<typeof session.train>[1]) => {
              given.push({ ...batch, images: batch.images.slice() })
              return session.train(batch, at)
            }
          }))
      }))
    ).pipe(Layer.provide(ReferenceEngine.layer))
  )
  return { given, layer }
}

/** A model's logits for a batch, by the reference engine. */
const answers = (model: Model, batch: Batch) =>
  Effect.scoped(
    Effect.gen(function* () {
      const session = yield* (yield* Engine).open(inferenceOptions(model))
      return yield* session.predict(batch)
    })
  ).pipe(Effect.provide(ReferenceEngine.layer))

const weightsAfter = Effect.gen(function* () {
  const { weights } = yield* readModel(yield* RunFolder)
  return [...weights].map(([name, { data }]) => [name, [...data]] as const)
})

const notesOf = (events: ReadonlyArray<ProgressEvent>) =>
  events.flatMap((event) => (event._tag === "Note" ? [event.line] : []))

describe("a run with a teacher", () => {
  it.effect("is taught by the teacher's answers to the very images that it is trained on, changed and mixed", () =>
    Effect.gen(function* () {
      const big = yield* bigModel()
      const { given, layer } = watched()
      const config = yield* studentOf("runs/big", { augment: { flip: 0.5, rotation: 10, mixup: 0.4 } })
      const report = yield* Effect.provide(trainRun(config), Layer.merge(layersWith({ "runs/big": big }), layer))
      assert.strictEqual(given.length, 2 * 3)
      for (const batch of given) {
        assert.isDefined(batch.mix)
        assertNear(batch.teacher?.[0]?.[0] ?? [], yield* answers(big, batch), "the teacher's logits", 1e-5)
      }
      assert.strictEqual(report.receipt.teacherDigests?.length, 1)
    })
  )

  it.effect("takes a teacher of another size and scale, which sees the same images resized, and says so", () =>
    Effect.gen(function* () {
      const seen = { height: 60, width: 63, mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } as const
      const big = yield* bigModel({ image: seen })
      const { given, layer } = watched()
      const events: Array<ProgressEvent> = []
      const config = yield* studentOf("runs/big", { augment: { flip: 0.5 } })
      yield* trainRun(config).pipe(
        Effect.provide(Layer.merge(layersWith({ "runs/big": big }), layer)),
        Effect.provideService(Progress, (event: ProgressEvent) => Effect.sync(() => void events.push(event)))
      )
      assert.include(notesOf(events).join("\n"), "resized from 48 x 50 to 60 x 63")
      for (const batch of given) {
        const images = teacherView(batch.images, batch.size, config.image, { ...seen, fit: "fill" })
        const { height, width } = seen
        assertNear(
          batch.teacher?.[0]?.[0] ?? [],
          yield* answers(big, { ...batch, images, height, width }),
          "the teacher's logits",
          1e-5
        )
      }
    })
  )

  for (const [name, network] of [
    ["with all of it trained", {}],
    ["with a frozen part", { name: "simple-cnn", trainable: "head", weights: "runs/big" }]
  ] as const)
    it.effect(`goes on from a step to the weights of a run that was not stopped, ${name}`, () =>
      Effect.gen(function* () {
        const big = yield* bigModel()
        const other = yield* bigModel({ seed: 9 })
        const teacher = { from: ["runs/big", "runs/other"], temperature: 2, weight: 0.7 }
        const config = yield* studentOf(teacher, { network, augment: { flip: 0.5 } })
        const layers = () => layersWith({ "runs/big": big, "runs/other": other })
        const whole = yield* Effect.provide(Effect.andThen(trainRun(config), weightsAfter), layers())
        const resumed = yield* Effect.gen(function* () {
          yield* interruptedAt(config, { epoch: 2, step: 2 })
          yield* trainRun(config)
          return yield* weightsAfter
        }).pipe(Effect.provide(layers()))
        assert.deepStrictEqual(resumed, whole)
        const untaught = yield* studentOf(undefined, { network, augment: { flip: 0.5 } }).pipe(
          Effect.catch(() =>
            tinyConfig({ train: { epochs: 2, batchSize: 3, select: "last" }, network, augment: { flip: 0.5 } })
          )
        )
        assert.notDeepEqual(yield* Effect.provide(Effect.andThen(trainRun(untaught), weightsAfter), layers()), whole)
      })
    )

  it.effect("does not ask the teacher again for views that it has answered, with a frozen part or without", () =>
    Effect.gen(function* () {
      const big = yield* bigModel()
      yield* Effect.gen(function* () {
        const images = withKey(yield* Images, "the tiny run's")
        const features = yield* Features
        let asked = 0
        const counting = Features.of({
          ...features,
          open: (...rest) =>
            Effect.map(features.open(...rest), (opened) => ({
              ...opened,
              run: (images: Float32Array, size: number) => {
                asked += size
                return opened.run(images, size)
              }
            }))
        })
        const run = (overrides: object) =>
          Effect.flatMap(studentOf("runs/big", { augment: { flip: 0.5 }, ...overrides }), trainRun).pipe(
            Effect.provideService(Images, images),
            Effect.provideService(Features, counting),
            Effect.provide([Layer.fresh(RunFolder.layerMemory), Layer.fresh(Checkpoints.layerMemory(2))])
          )
        yield* run({})
        const first = asked
        assert.isAbove(first, 0)
        yield* run({ train: { epochs: 2, batchSize: 3, learningRate: 0.01, teacher: { from: "runs/big", weight: 1 } } })
        assert.strictEqual(asked, first)
        const frozen = { network: { trainable: "head", weights: "runs/big" } }
        yield* run(frozen)
        const withFrozen = asked
        assert.isAbove(withFrozen, first)
        yield* run({ ...frozen, train: { epochs: 2, batchSize: 3, teacher: { from: "runs/big", temperature: 1 } } })
        assert.strictEqual(asked, withFrozen)
      }).pipe(Effect.provide(layersWith({ "runs/big": big })))
    })
  )

  it.effect("is refused at the start where a class is not known to the teacher, or its images have another shape", () =>
    Effect.gen(function* () {
      const big = yield* bigModel()
      const refused = (teacher: unknown, model: Model, overrides: object = {}) =>
        Effect.flatMap(studentOf(teacher, overrides), trainRun).pipe(
          Effect.flip,
          Effect.map(({ message }) => message),
          Effect.provide(layersWith({ "runs/big": model }))
        )
      assert.match(
        yield* refused("runs/big", { ...big, labels: ["cap", "boot"] }),
        /"runs\/big" cannot teach this run: it does not know 1 of the run's classes: "scarf"/
      )
      const shape = { image: { height: 48, width: 64, fit: "cover" } }
      assert.match(yield* refused("runs/big", big, shape), /images of 48 x 50 pixels and the run's are 48 x 64/)
      assert.match(yield* refused("runs/none", big), /"runs\/none" cannot teach this run: there is no such file/)
      const broken = new Map(
        [...big.weights].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.map(() => NaN) }])
      )
      assert.match(yield* refused("runs/big", { ...big, weights: broken }), /NaN at index 0/)
    })
  )

  it.effect("refuses to go on with a teacher that has changed since it began", () =>
    Effect.gen(function* () {
      const big = yield* bigModel()
      const config = yield* studentOf("runs/big")
      yield* Effect.gen(function* () {
        yield* interruptedAt(config, { epoch: 1, step: 2 })
        const begun = JSON.parse(yield* textIn("config.json")) as object // a test's own run
        const same = yield* tinyConfig(begun)
        const other = {
          ...big,
          weights: new Map(
            [...big.weights].map(([name, one]) => [name, { ...one, data: one.data.map((x) => x * 1.01) }])
          )
        }
        const error = yield* Effect.flip(Effect.provide(trainRun(same), filesOf({ "runs/big": other })))
        assert.match(error.message, /it is another one than the run began with/)
        // Where it is does not matter.
        const moved = yield* tinyConfig({
          ...begun,
          train: { ...same.train, teacher: { ...(same.train.teacher as object), from: "elsewhere" } }
        })
        yield* Effect.provide(trainRun(moved), filesOf({ elsewhere: big }))
      }).pipe(Effect.provide(layersWith({ "runs/big": big })))
    })
  )

  it.effect("takes a teacher for the label columns that it has, by the names of its classes", () =>
    Effect.gen(function* () {
      const rows = [
        ["id", "label", "size"],
        ...tinyIds.map((id, i) => [id, id.replace(/\d/, ""), i % 4 === 2 ? "" : (["small", "large"][i % 2] ?? "")])
      ]
      const big = yield* bigModel()
      // As if it had learned more classes, in another order.
      const { given, layer } = watched()
      const config = yield* studentOf("runs/big", {
        data: {
          root: "shop",
          minPerClass: 3,
          split: { train: 0.4, validation: 0.3, test: 0.3, seed: 1 },
          columns: { label: ["size", "label"] }
        }
      })
      yield* Effect.provide(trainRun(config), Layer.merge(layersWith({ "runs/big": big }, rows), layer))
      for (const batch of given) {
        assert.deepStrictEqual(
          batch.teacher?.map((column) => column.length),
          [0, 1]
        )
        assertNear(batch.teacher?.[1]?.[0] ?? [], yield* answers(big, batch), "the teacher's logits", 1e-5)
      }
      const error = yield* Effect.flatMap(
        studentOf({ from: "runs/big", column: "colour" }, { data: config.data }),
        trainRun
      ).pipe(Effect.flip, Effect.provide(layersWith({ "runs/big": big }, rows)))
      assert.match(
        error.message,
        /`train.teacher.column` is "colour", and the run has the label columns "size", "label"/
      )
    })
  )

  it.effect("takes an ONNX file with logits, whose classes are named in it or in the configuration", () =>
    Effect.gen(function* () {
      const big = yield* bigModel()
      const description = { values: { labels: big.labels, preprocessing: {} }, text: "{}" }
      const contentOf = (output: "logits" | "probabilities") => {
        const graph = { input: "float", output } as const
        const [exported] = formatOf("onnx").files({ model: big, graph, names: "weft" }, description)
        return new Uint8Array(exported?.content as Uint8Array) // ONNX is bytes
      }
      const { given, layer } = watched()
      const layers = (content: Uint8Array<ArrayBuffer>) =>
        Layer.mergeAll(
          tinyLayers(),
          Pretrained.layerMemory({ "big.onnx": { metadata: {}, tensors: new Map(), graph: content } }),
          layer
        )
      const config = yield* studentOf("big.onnx", { augment: { flip: 0.5 } })
      yield* Effect.provide(trainRun(config), layers(contentOf("logits")))
      for (const batch of given)
        assertNear(batch.teacher?.[0]?.[0] ?? [], yield* answers(big, batch), "the teacher's logits", 1e-4)
      const named = yield* studentOf({ from: "big.onnx", classes: ["scarf", "cap", "boot"] })
      const refused = (config: typeof named, output: "logits" | "probabilities") =>
        trainRun(config).pipe(
          Effect.flip,
          Effect.map(({ message }) => message),
          Effect.provide(layers(contentOf(output)))
        )
      assert.match(yield* refused(named, "logits"), /"logits" has 2 numbers an image, and it has 3 classes/)
      assert.match(yield* refused(config, "probabilities"), /it gives probabilities, and a teacher is asked for logits/)
    })
  )
})
