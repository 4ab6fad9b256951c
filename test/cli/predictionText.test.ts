import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { predictionText, thresholdsText } from "../../src/cli/predictionText.ts"
import type { Format, Heading } from "../../src/cli/predictionText.ts"
import type { Prediction } from "../../src/run/predict/Prediction.ts"

const heading: Heading = {
  runs: ["runs/shop"],
  engine: "reference",
  top: 2,
  columns: [
    { name: "type", classes: ["shirt", "blouse", "boot"], values: "one", threshold: { value: 0.7, source: "given" } },
    { name: "=tags", classes: ["new"], values: "several", threshold: undefined }
  ]
}

const predictions: ReadonlyArray<Prediction> = [
  {
    path: "a.jpg",
    columns: {
      type: {
        label: null,
        abstained: true,
        parent: { column: "kind", label: "top", probability: 0.9 },
        classes: [
          { label: "shirt", probability: 0.5 },
          { label: "blouse", probability: 0.4 }
        ]
      },
      "=tags": { labels: ["new"], classes: [{ label: "new", probability: 0.8 }] }
    },
    unseenPairs: [{ columns: ["type", "gender"], values: ["shirt", "+x"] }]
  },
  { path: "b.jpg", error: "there is no such file", reason: "imageMissing" }
]

const textOf = (format: Format) =>
  Effect.map(Stream.runCollect(predictionText(Stream.fromIterable(predictions), format, heading)), (parts) =>
    parts.join("")
  )

it.effect("several label columns are one line each below the path, for people", () =>
  Effect.gen(function* () {
    assert.strictEqual(
      yield* textOf("table"),
      [
        "a.jpg",
        "  type   ?  top 90.0 %: shirt 50.0 %, blouse 40.0 %",
        "  =tags  new (new 80.0 %)",
        "  ! type shirt with gender +x never occurred in training",
        "b.jpg  ! there is no such file",
        ""
      ].join("\n")
    )
  })
)

it.effect("as CSV they are columns of their own, the same for all rows, and no formulas", () =>
  Effect.gen(function* () {
    const [head = "", ...rows] = (yield* textOf("csv")).trim().split(/\r?\n/)
    assert.strictEqual(
      head,
      "path,reason,error,type,type.abstained,type.parent,type.class1,type.probability1,type.class2,type.probability2,'=tags,'=tags.class1,'=tags.probability1,unseen_pairs"
    )
    assert.deepStrictEqual(rows, [
      "a.jpg,,,,true,top,shirt,0.5,blouse,0.4,new,new,0.8,shirt + +x",
      "b.jpg,imageMissing,there is no such file,,,,,,,,,,,"
    ])
  })
)

it.effect("as JSON each column has its answer, and the head its threshold", () =>
  Effect.gen(function* () {
    const found: unknown = JSON.parse(yield* textOf("json"))
    assert.deepStrictEqual(found, {
      run: "runs/shop",
      engine: "reference",
      thresholds: { type: { value: 0.7, source: "given" }, "=tags": null },
      predictions
    })
  })
)

it("a given threshold is shown once, and chosen ones by their columns", () => {
  assert.strictEqual(thresholdsText(heading.columns), "Answers below 0.7 are left open.")
  const none = { value: 2, source: "none", target: 0.95, confidence: 0.95 } as const
  const chosen = heading.columns.map((column, k) => ({ ...column, threshold: k === 0 ? none : undefined }))
  assert.match(
    thresholdsText(chosen) ?? "",
    /^type: All is left open: no threshold promises 95\.0 % right answers with 95\.0 % confidence/
  )
})
