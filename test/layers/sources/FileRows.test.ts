import { assert, it } from "@effect/vitest"
import { Effect, Result, Stream } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { csv } from "../../../src/layers/sources/csv.ts"
import { layerOf, sources } from "../../../src/layers/sources/FileRows.ts"
import type { Source } from "../../../src/layers/sources/Source.ts"
import { configOf, readAll, summary } from "../../pipeline/rowsContract.ts"
import { temporaryFolder } from "../../temporaryFolder.ts"

const row = { line: 1, id: "7", label: "Tops", image: "seven.jpg" }
/** What another source would be: one file, one line in the list. */
const lines: Source = {
  takes: ({ csv }) => csv.endsWith(".jsonl"),
  read: () => Stream.make(Result.succeed(row))
}

const ids = (root: string, file: string) =>
  readAll(root, configOf({ csv: file })).pipe(
    Effect.map((listed) => summary(listed).map(([, id]) => id)),
    Effect.provide(layerOf([lines, csv]))
  )

it.effect("a source reads the catalogues that it takes, and CSV every other file, whatever its ending", () =>
  Effect.gen(function* () {
    const root = yield* temporaryFolder
    for (const name of ["list.csv", "list.tsv", "list"])
      yield* Effect.promise(() => writeFile(join(root, name), "id,kind\n1,Tops\n2,Bags\n"))
    assert.deepStrictEqual(yield* ids(root, "list.jsonl"), ["7"])
    for (const name of ["list.csv", "list.tsv", "list"]) assert.deepStrictEqual(yield* ids(root, name), ["1", "2"])
  })
)

it("the last source in the list takes every catalogue", () => {
  for (const file of ["styles.csv", "list.jsonl", "list", "folder/"])
    assert.isTrue(sources.at(-1)?.takes(configOf({ csv: file })), file)
})
