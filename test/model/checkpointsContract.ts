import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import type { BestWeights, Checkpoint } from "../../src/model/Checkpoint.ts"
import { begin } from "../../src/model/Checkpoint.ts"
import type { Checkpoints } from "../../src/model/Checkpoints.ts"
import type { Tensor } from "../../src/model/Tensor.ts"

/** A place for checkpoints, as the suite needs it. */
export interface Place {
  /** The service over what is there, as a process has it that begins now. */
  readonly open: (keep: number) => Effect.Effect<Checkpoints["Service"]>
  readonly names: Effect.Effect<ReadonlyArray<string>>
  readonly read: (name: string) => Effect.Effect<Uint8Array>
  readonly write: (name: string, bytes: Uint8Array) => Effect.Effect<void>
}

/** NaNs with payloads, -0, a subnormal: what would not survive a way through numbers or text. */
const awkward = [0x7fa00001, -0x3fffff, -0x80000000, 1, 0x3dcccccd, -0x80000001]

const tensor = (shape: ReadonlyArray<number>, step: number): Tensor => ({
  shape,
  data: new Float32Array(Int32Array.from(awkward, (bits, i) => (i === 4 ? bits + step : bits)).buffer)
})

/** A checkpoint of a step; no two steps have the same tensors. */
export const checkpointAt = (step: number, digest = "run a"): Checkpoint => ({
  digest,
  ledger: { listed: 10, kept: 8, refused: { malformed: 2 } },
  training: {
    ...begin,
    step,
    epoch: 1,
    position: 2,
    sums: { loss: 0.1 + step, correct: 3, seen: 7, seconds: 1 / 3, waiting: 0 },
    history: [
      {
        epoch: 1,
        trainLoss: 1.1,
        trainAccuracy: 0.3,
        validationLoss: null,
        validationAccuracy: null,
        learningRate: 1e-3,
        imagesPerSecond: 80.5,
        seconds: 12.25,
        waiting: 0.01
      }
    ],
    best: { epoch: 1, figure: 2 / 3 },
    epochsWithoutBetter: 1
  },
  session: {
    weights: new Map([
      ["conv1.weight", tensor([3, 2], step)],
      ["conv1.bias", tensor([6], step + 1)]
    ]),
    optimizer: { step: step + 5, slots: new Map([["mean.conv1.weight", tensor([3, 2], step + 2)]]) }
  }
})

export const bestAt = (epoch: number, digest = "run a"): BestWeights => ({
  digest,
  epoch,
  step: 7 * epoch,
  figure: 0.1 * epoch,
  weights: new Map([["fc.weight", tensor([2, 3], epoch)]])
})

/** Tensors as their bits, so that two NaNs compare by their payloads. */
const plain = (value: unknown): unknown => {
  if (value instanceof Float32Array) return [...new Int32Array(value.buffer, value.byteOffset, value.length)]
  if (value instanceof Map) return Array.from(value, ([name, inner]) => [name, plain(inner)])
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

export const assertSame = (actual: unknown, expected: unknown) => assert.deepStrictEqual(plain(actual), plain(expected))

const file = (step: number) => `step-${String(step).padStart(8, "0")}.safetensors`

const Damage = Schema.Struct({
  /** Where, as a share of the file. */
  at: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999999 })),
  kind: Schema.Literals(["cut", "flip", "zeros", "longer"]),
  bit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
})

const damaged = (bytes: Uint8Array, { at, bit, kind }: typeof Damage.Type): Uint8Array => {
  const place = Math.floor(at * bytes.length)
  if (kind === "cut") return bytes.slice(0, place)
  if (kind === "longer") return Uint8Array.from([...bytes, bit])
  const copy = Uint8Array.from(bytes)
  if (kind === "flip") copy[place]! ^= 1 << bit
  else copy.fill(0, place)
  return copy
}

/** What every Layer of Checkpoints keeps to; `damages` random faults are tried. */
export const checkpointsContract = (name: string, damages: number, make: Effect.Effect<Place, never, Scope.Scope>) => {
  describe(`checkpoints ${name}`, () => {
    it.effect("are none in an empty place", () =>
      Effect.gen(function* () {
        const checkpoints = yield* (yield* make).open(2)
        assert.deepStrictEqual(yield* checkpoints.latest("run a"), { checkpoint: undefined, passedOver: [] })
        assert.deepStrictEqual(yield* checkpoints.best("run a"), { best: undefined, passedOver: [] })
      })
    )

    it.effect("are a run's own under its former digests too, where it names them", () =>
      Effect.gen(function* () {
        const checkpoints = yield* (yield* make).open(2)
        yield* checkpoints.saveBest(bestAt(1))
        yield* checkpoints.save(checkpointAt(2))
        assert.isUndefined((yield* checkpoints.latest("run b", ["run c"])).checkpoint)
        assertSame(yield* checkpoints.latest("run b", ["run c", "run a"]), {
          checkpoint: checkpointAt(2),
          passedOver: []
        })
        assert.isUndefined((yield* checkpoints.best("run b")).best)
        assertSame(yield* checkpoints.best("run b", ["run a"]), { best: bestAt(1), passedOver: [] })
        yield* checkpoints.save({ ...checkpointAt(3), digest: "run b" })
        assert.strictEqual((yield* checkpoints.latest("run b", ["run a"])).checkpoint?.training.step, 3)
        assert.strictEqual((yield* checkpoints.latest("run a")).checkpoint?.training.step, 2)
      })
    )

    it.effect("come back bit for bit, in another process too", () =>
      Effect.gen(function* () {
        const place = yield* make
        const checkpoints = yield* place.open(2)
        assert.strictEqual(yield* checkpoints.save(checkpointAt(1234)), file(1234))
        assert.strictEqual(yield* checkpoints.saveBest(bestAt(3)), "best.safetensors")
        for (const reader of [checkpoints, yield* place.open(2)]) {
          assertSame(yield* reader.latest("run a"), { checkpoint: checkpointAt(1234), passedOver: [] })
          assertSame(yield* reader.best("run a"), { best: bestAt(3), passedOver: [] })
        }
      })
    )

    it.effect("are kept to the last ones and the best; the newest is used, whatever was saved last", () =>
      Effect.gen(function* () {
        const place = yield* make
        const checkpoints = yield* place.open(2)
        yield* checkpoints.saveBest(bestAt(1))
        for (const step of [5, 99_999_999, 100_000_000, 40]) yield* checkpoints.save(checkpointAt(step))
        yield* checkpoints.saveBest(bestAt(2))
        assert.sameMembers([...(yield* place.names)], ["best.safetensors", file(99_999_999), file(100_000_000)])
        assert.strictEqual((yield* checkpoints.latest("run a")).checkpoint?.training.step, 100_000_000)
        assert.strictEqual((yield* checkpoints.best("run a")).best?.epoch, 2)
      })
    )

    it.effect("that are saved at the same time are all whole, and the last ones stay", () =>
      Effect.gen(function* () {
        const place = yield* make
        const checkpoints = yield* place.open(3)
        const steps = [4, 9, 1, 8, 3, 7, 2, 6, 5]
        yield* Effect.forEach(
          steps,
          (step) => Effect.all([checkpoints.save(checkpointAt(step)), checkpoints.saveBest(bestAt(step))]),
          { concurrency: "unbounded" }
        )
        assert.sameMembers([...(yield* place.names)], ["best.safetensors", file(7), file(8), file(9)])
        assertSame(yield* (yield* place.open(3)).latest("run a"), { checkpoint: checkpointAt(9), passedOver: [] })
        assert.isDefined((yield* checkpoints.best("run a")).best)
      })
    )

    it.effect.prop(
      "that were damaged anywhere are passed over, and the one before is used",
      [Damage],
      ([damage]) =>
        Effect.gen(function* () {
          const place = yield* make
          const checkpoints = yield* place.open(2)
          yield* checkpoints.save(checkpointAt(10))
          yield* checkpoints.save(checkpointAt(20))
          yield* checkpoints.saveBest(bestAt(2))
          for (const name of [file(20), "best.safetensors"]) {
            const bytes = yield* place.read(name)
            const broken = damaged(bytes, damage)
            // The file may end in zeros already.
            if (Buffer.from(broken).equals(bytes)) return
            yield* place.write(name, broken)
          }
          const reader = yield* place.open(2)
          const { checkpoint, passedOver } = yield* reader.latest("run a")
          assertSame(checkpoint, checkpointAt(10))
          assert.deepStrictEqual(
            passedOver.map((one) => one.file),
            [file(20)]
          )
          assert.include(["torn", "otherFormat"], passedOver[0]?.reason)
          const best = yield* reader.best("run a")
          assert.isUndefined(best.best)
          assert.lengthOf(best.passedOver, 1)
        }).pipe(Effect.scoped),
      { arbitrary: { runs: damages } }
    )

    it.effect("are found while others are saved and cleared away", () =>
      Effect.gen(function* () {
        const checkpoints = yield* (yield* make).open(1)
        yield* checkpoints.save(checkpointAt(1))
        const found = yield* Effect.all(
          [
            Effect.forEach(
              Array.from({ length: 20 }, () => "run a"),
              (digest) => checkpoints.latest(digest),
              { concurrency: 4 }
            ),
            Effect.forEach(
              Array.from({ length: 20 }, (_, i) => checkpointAt(2 + i)),
              checkpoints.save
            )
          ],
          { concurrency: 2 }
        )
        assert.lengthOf(found[0], 20)
        for (const { checkpoint, passedOver } of found[0]) {
          assert.isDefined(checkpoint)
          assert.isEmpty(passedOver)
        }
      })
    )

    it.effect("that are torn do not count as one of the last, and are cleared away in time", () =>
      Effect.gen(function* () {
        const place = yield* make
        const first = yield* place.open(1)
        yield* first.save(checkpointAt(10))
        yield* place.write(file(20), (yield* place.read(file(10))).subarray(0, 300))
        const checkpoints = yield* place.open(1)
        assertSame((yield* checkpoints.latest("run a")).checkpoint, checkpointAt(10))
        yield* checkpoints.save(checkpointAt(15))
        assertSame((yield* (yield* place.open(1)).latest("run a")).checkpoint, checkpointAt(15))
        yield* checkpoints.save(checkpointAt(25))
        assert.deepStrictEqual(yield* place.names, [file(25)])
      })
    )

    it.effect("that are torn do not push out whole ones", () =>
      Effect.gen(function* () {
        const place = yield* make
        yield* (yield* place.open(2)).save(checkpointAt(10))
        yield* place.write(file(20), new Uint8Array(100))
        const checkpoints = yield* place.open(2)
        assert.lengthOf((yield* checkpoints.latest("run a")).passedOver, 1)
        yield* checkpoints.save(checkpointAt(25))
        assert.sameMembers([...(yield* place.names)], [file(10), file(25)])
      })
    )

    it.effect("are not cleared away because of later ones that this process did not make", () =>
      Effect.gen(function* () {
        const place = yield* make
        yield* (yield* place.open(1)).save(checkpointAt(90, "run b"))
        yield* (yield* place.open(1)).save(checkpointAt(10))
        assert.sameMembers([...(yield* place.names)], [file(10), file(90)])
        assertSame((yield* (yield* place.open(1)).latest("run a")).checkpoint, checkpointAt(10))
      })
    )

    it.effect("of another run, another version or another kind are passed over, and not removed", () =>
      Effect.gen(function* () {
        const place = yield* make
        const other = yield* place.open(9)
        yield* other.save(checkpointAt(1))
        yield* other.save(checkpointAt(30, "run b"))
        yield* other.saveBest(bestAt(1, "run b"))
        yield* place.write(file(40), yield* place.read("best.safetensors"))
        const checkpoints = yield* place.open(1)
        const { checkpoint, passedOver } = yield* checkpoints.latest("run a")
        assertSame(checkpoint, checkpointAt(1))
        assert.deepStrictEqual(
          passedOver.map(({ file, reason }) => [file, reason]),
          [
            [file(40), "otherFormat"],
            [file(30), "foreign"]
          ]
        )
        assert.include(passedOver[0]?.detail, "weft-best-1")
        assert.deepStrictEqual(
          (yield* checkpoints.best("run a")).passedOver.map(({ reason }) => reason),
          ["foreign"]
        )
        yield* checkpoints.save(checkpointAt(50))
        assert.sameMembers([...(yield* place.names)], ["best.safetensors", file(30), file(40), file(50)])
      })
    )

    it.effect("are replaced where the same step is saved again", () =>
      Effect.gen(function* () {
        const place = yield* make
        const checkpoints = yield* place.open(2)
        yield* checkpoints.save(checkpointAt(5, "run b"))
        yield* checkpoints.latest("run a")
        yield* checkpoints.save(checkpointAt(5))
        assertSame(yield* checkpoints.latest("run a"), { checkpoint: checkpointAt(5), passedOver: [] })
        yield* checkpoints.save(checkpointAt(6))
        yield* checkpoints.save(checkpointAt(7))
        assert.sameMembers([...(yield* place.names)], [file(6), file(7)])
      })
    )

    it.effect("do not change when what was saved is changed afterwards", () =>
      Effect.gen(function* () {
        const checkpoints = yield* (yield* make).open(2)
        const checkpoint = checkpointAt(5)
        yield* checkpoints.save(checkpoint)
        checkpoint.session.weights.get("conv1.bias")!.data.fill(0)
        assertSame((yield* checkpoints.latest("run a")).checkpoint, checkpointAt(5))
      })
    )
  })
}
