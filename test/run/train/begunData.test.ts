import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { decodeRunConfig } from "../../../src/config/RunConfig.ts"
import type { Dataset } from "../../../src/pipeline/Dataset.ts"
import { listing } from "../../../src/pipeline/Dataset.ts"
import { RefusalLines } from "../../../src/pipeline/Ledger.ts"
import { refuseMasked } from "../../../src/pipeline/maskLabels.ts"
import { sha256 } from "../../../src/pipeline/sha256.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import { ledgerText, readBegunData, readListing, writeBegunData } from "../../../src/run/train/begunData.ts"

const columns = [
  { name: "type", classes: ["Caps", "Tops"], values: "one" },
  { name: "tags", classes: ["new", "wool"], values: "several" }
] as const

const sample = (id: string, labels: ReadonlyArray<ReadonlyArray<number> | undefined>, line: number) => ({
  id,
  label: labels[0]?.[0] ?? -1,
  labels,
  path: `${id}.jpg`,
  digest: `digest ${id}`,
  line
})

it.effect("a run of several label columns goes on with the samples and the refused rows that it began with", () =>
  Effect.gen(function* () {
    const folder = yield* RunFolder
    const config = yield* decodeRunConfig(
      { data: { root: "shop", columns: { label: ["type", { column: "tags", separator: ";" }] } } },
      "test"
    )
    const refused = refuseMasked(
      {
        line: 5,
        id: "d",
        label: "",
        labels: [undefined, ["wool"]],
        leftOut: [{ reason: "rare", values: ["Gowns"] }, undefined]
      },
      "imageMissing",
      "there is no such file"
    )
    const parts: Omit<Dataset, "digest"> = {
      root: "shop",
      classes: columns[0].classes,
      columns,
      train: [sample("b", [[1], []], 2), sample("a", [undefined, [0, 1]], 3)],
      validation: [],
      test: [sample("c", [[0], undefined], 4)],
      ledger: { listed: 4, kept: 3, refusals: [refused], overLimit: 0 }
    }
    const dataset = { ...parts, digest: "" }
    const begun = { ...dataset, digest: yield* sha256(listing(dataset)) }
    yield* writeBegunData(folder, config, begun)
    yield* folder.write("ledger.jsonl", yield* ledgerText(begun.ledger))
    const { samples } = yield* readListing(folder)
    assert.deepStrictEqual(samples, [
      ["a", [null, ["new", "wool"]], "digest a"],
      ["b", ["Tops", []], "digest b"],
      ["c", ["Caps", null], "digest c"]
    ])
    const read = yield* readBegunData(folder, config)
    assert.deepStrictEqual(read?.images, new Map(samples.map(([id, , digest]) => [id, digest])))
    assert.deepStrictEqual(read?.refused.get(5), refused)
    assert.deepStrictEqual(refused.labels, [["Gowns"], ["wool"]])
    const lines = yield* Schema.decodeEffect(RefusalLines)(yield* ledgerText(begun.ledger))
    assert.deepStrictEqual(lines, [refused])
  }).pipe(Effect.provide(RunFolder.layerMemory))
)
