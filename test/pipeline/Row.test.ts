import { assert, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { Rows } from "../../src/pipeline/Rows.ts"

/** The cells of rows that are neither id nor label, as they are kept. */
const keptCells = (texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const data = yield* Schema.decodeEffect(DataConfig)({ root: "shop" })
    const lines = texts.map((text, index) => [`${index}`, "Tops", text])
    const table = new Map([["shop/styles.csv", [["id", "label", "description"], ...lines]]])
    const listed = yield* Rows.use((source) => Stream.runCollect(source.read("shop", data))).pipe(
      Effect.provide(Rows.layerMemory(table))
    )
    const cells = yield* Effect.forEach(listed, (one) => Effect.fromResult(one))
    return cells.map((row) => row.others?.cells ?? "")
  })

it.effect("a long cell is kept by its beginning, and is still the same as another or not", () =>
  Effect.gen(function* () {
    const long = "A shirt of cotton, ".repeat(1000)
    const [one = "", same = "", other = "", longer = "", short = ""] = yield* keptCells([
      long,
      ` ${long} `,
      `${long.slice(0, -2)}!`,
      `${long}and more`,
      "A shirt of cotton"
    ])
    assert.strictEqual(one, same)
    assert.strictEqual(new Set([one, other, longer, short]).size, 4)
    assert.isBelow(one.length, 160)
    assert.include(one, "A shirt of cotton, A shirt")
    assert.strictEqual(short, '["A shirt of cotton"]')
  })
)
