import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { Batch } from "../../../src/pipeline/Batch.ts"
import { ImageConfig } from "../../../src/pipeline/ImageConfig.ts"
import { drawBatch } from "../../../src/run/report/firstBatch.ts"
import { Thumbnails } from "../../../src/run/report/Thumbnails.ts"

const image = Schema.decodeSync(ImageConfig)({ height: 8, width: 9 })
const batch: Batch = {
  index: 0,
  images: new Float32Array(3 * 8 * 9 * 3),
  labels: Int32Array.of(1, -1, 0),
  ids: ["a", "b", "c"],
  size: 3,
  height: 8,
  width: 9
}
const type = { name: "type", classes: ["Caps", "Tops"], values: "one" } as const
const tags = { name: "tags", classes: ["new", "red", "wool"], values: "several" } as const

const several: Batch = {
  ...batch,
  columns: [
    { values: "one", labels: batch.labels },
    { values: "several", labels: Uint8Array.of(1, 0, 1, 0, 1, 0, 0, 0, 0), known: Uint8Array.of(1, 1, 0) }
  ]
}

const drawn = (batch: Batch, columns: Parameters<typeof drawBatch>[1]) =>
  Effect.map(drawBatch(batch, columns, image), ({ images }) => images.map(({ label, mixed }) => [label, mixed?.label]))

it.effect("the first batch is drawn with what is known of each image in every label column", () =>
  Effect.gen(function* () {
    const nothing = undefined
    assert.deepStrictEqual(yield* drawn({ ...batch, labels: Int32Array.of(1, 1, 0) }, [type]), [
      ["Tops", nothing],
      ["Tops", nothing],
      ["Caps", nothing]
    ])
    assert.deepStrictEqual(yield* drawn(several, [type, tags]), [
      ["Tops, new; wool", nothing],
      ["red", nothing],
      ["Caps", nothing]
    ])
    const mix = { partners: Int32Array.of(2, 0, 1), shares: Float32Array.of(0.75, 0.75, 1) }
    assert.deepStrictEqual(yield* drawn({ ...several, mix }, [type, tags]), [
      ["Tops, new; wool", "Caps"],
      ["red", "Tops, new; wool"],
      ["Caps", nothing]
    ])
  }).pipe(Effect.provide(Thumbnails.layerMemory(new Map([["pixels", "data:,"]]))))
)
