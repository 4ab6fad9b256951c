import type { Vitest } from "@effect/vitest"
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import * as DiskPretrained from "../../../../src/layers/hub/DiskPretrained.ts"
import * as OnnxFeatures from "../../../../src/layers/features/OnnxFeatures.ts"
import { layer, layerWith } from "../../../../src/layers/features/amx/AmxFeatures.ts"
import { loadAmx, openAmx } from "../../../../src/layers/features/amx/loadAmx.ts"
import { amxArguments } from "../../../../src/layers/backend/compile.ts"
import { Features } from "../../../../src/model/Features.ts"
import { mobilenetV2 } from "../../../../src/model/networks/mobilenetV2.ts"
import { startWeights } from "../../../../src/model/startWeights.ts"
import { featuresContract, flat, frozenOf, givesPyTorchsLogits, inside } from "../../../model/featuresContract.ts"
import { assertNear, uniform } from "../../../model/engineContract/reference.ts"

const addon = await Effect.runPromise(Effect.result(loadAmx))

/** Compiles the addon with the unit's tiles in software; undefined where the processor or a compiler is missing. */
const inSoftware = (): string | undefined => {
  const cpuinfo = "/proc/cpuinfo"
  if (!existsSync(cpuinfo) || !readFileSync(cpuinfo, "utf8").includes("avx512_bf16")) return undefined
  const folder = mkdtempSync(join(tmpdir(), "weft-tiles-"))
  process.on("exit", () => rmSync(folder, { recursive: true }))
  const path = join(folder, "tiles.node")
  const tiles = new URL("tiles.h", import.meta.url).pathname
  try {
    execFileSync(process.env["CXX"] ?? "g++", amxArguments(path, ["-include", tiles]), { stdio: "pipe" })
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined // no compiler
    throw error
  }
  return path
}

const software = inSoftware()

const more = (it: Vitest.MethodsNonLive<Features>) => {
  for (const [what, blocks, shape] of [
    ["flat", flat, [34, 29, 3]],
    ["image-shaped", inside, [23, 30, 3]]
  ] as const)
    it.effect(`gives the same ${what} bits for any batch and any number of threads`, () =>
      Effect.gen(function* () {
        const frozen = frozenOf(blocks, shape)
        const length = shape[0] * shape[1] * shape[2]
        const images = Float32Array.from(uniform("bits-", "input", 33 * length))
        const opened = yield* (yield* Features).open(frozen)
        const together = yield* opened.run(images, 33)
        assert.isTrue(together.every(Number.isFinite))
        assert.isTrue(together.some((value) => value !== 0))
        const width = together.length / 33
        const before = process.env["WEFT_THREADS"]
        process.env["WEFT_THREADS"] = "3"
        const other = yield* (yield* Features).open(frozen)
        if (before === undefined) delete process.env["WEFT_THREADS"]
        else process.env["WEFT_THREADS"] = before
        assert.deepStrictEqual(yield* other.run(images, 33), together)
        for (let i = 0; i < 33; i++) {
          const one = yield* opened.run(images.slice(i * length, (i + 1) * length), 1)
          assert.deepStrictEqual(one, together.slice(i * width, (i + 1) * width))
        }
      })
    )

  it.effect("keeps numbers that are none apart from the others of a batch", () =>
    Effect.gen(function* () {
      const { run } = yield* (yield* Features).open(frozenOf(flat, [18, 13, 3]))
      const images = Float32Array.from(uniform("bits-", "input", 3 * 18 * 13 * 3))
      const before = yield* run(images, 3)
      images.fill(Number.NaN, 18 * 13 * 3, 2 * 18 * 13 * 3)
      const after = yield* run(images, 3)
      const width = after.length / 3
      assert.deepStrictEqual(after.slice(0, width), before.slice(0, width))
      assert.isTrue(after.slice(width, 2 * width).every(Number.isNaN))
      assert.deepStrictEqual(after.slice(2 * width), before.slice(2 * width))
    })
  )
  it.effect("leaves heads with hidden layers to another engine", () =>
    Effect.gen(function* () {
      const column = { classes: 3, kind: "softmax", head: "batchnorm" } as const
      const classes = ["kind", "colour"].map((name) => ({ ...column, name }))
      const { blocks } = mobilenetV2.build({ height: 40, width: 50, classes })
      const { message, reason } = yield* Effect.flip((yield* Features).open(frozenOf(blocks, [40, 50, 3])))
      assert.strictEqual(reason, "unavailable")
      assert.include(message, "the network's heads have hidden layers")
    })
  )
  const weightsOf = (name: string) => new URL(`../../../../../shared/weights/${name}`, import.meta.url)
  const trained = weightsOf("mobilenetv2_100.safetensors")
  it.effect.skipIf(!existsSync(trained))(
    "gives onnxruntime's features of real photos and of smooth shades to 1e-4",
    () =>
      Effect.gen(function* () {
        const network = mobilenetV2.build({ height: 224, width: 224, classes: 1000, head: "fc", padding: "same" })
        const weights = yield* startWeights(network, 1, trained.pathname)
        const photos = yield* Effect.forEach(["cat_720p.jpg", "hot_dog.jpg"], (name) =>
          Effect.promise(() => sharp(weightsOf(name).pathname).resize(224, 224, { fit: "fill" }).raw().toBuffer())
        )
        // Of all inputs that were tried, on this one rounding showed most.
        const shades = Array.from({ length: 224 * 672 }, (_, i) => Math.sin((i % 672) / 100) * Math.cos(i / 33_600))
        const images = Float32Array.from([
          ...photos.flatMap((photo) => [...photo].map((x) => x / 127.5 - 1)),
          ...shades
        ])
        const frozen = { blocks: network.blocks.slice(0, -1), input: [224, 224, 3], weights } as const
        const features = Effect.flatMap(Features, ({ open }) => open(frozen))
        const expected = yield* (yield* Effect.provide(features, OnnxFeatures.layer)).run(images, 3)
        const actual = yield* (yield* features).run(images, 3)
        for (let i = 0; i < 3; i++) {
          const of = (all: Float32Array) => all.subarray(i * 1280, (i + 1) * 1280)
          assertNear(of(actual), of(expected), `image ${i}`, 1e-4)
        }
      }).pipe(Effect.provide(DiskPretrained.layer))
  )
  // It has neither gates nor layer norms, and clamps alone.
  givesPyTorchsLogits(it, (network) => !network.startsWith("resnet"))
}

const missing = addon._tag === "Failure" ? `: ${addon.failure.detail}` : ""

describe.skipIf(missing !== "")(`the matrix unit${missing}`, () => featuresContract("amx", layer, more))

describe.skipIf(software === undefined)("the matrix unit's tiles in software", () =>
  featuresContract("amx in software", layerWith(openAmx(software ?? "")), more)
)
