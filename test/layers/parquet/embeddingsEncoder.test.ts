import { assert, describe, it } from "@effect/vitest"
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { EmbeddingRow } from "../../../src/layers/parquet/embeddingsEncoder.ts"
import { embeddingsEncoder } from "../../../src/layers/parquet/embeddingsEncoder.ts"
import { pythonWith } from "../../python.ts"

const rowsOf = (count: number, length: number) =>
  Array.from({ length: count }, (_, i) => ({
    path: i === 1 ? 'näh/a "b"\n.jpg' : `photos/${i}.jpg`,
    features: Float32Array.from({ length }, (_, k) => Math.sin(i + k / 3))
  }))

/** The whole file, of rows that come a few at a time. */
const encodeEmbeddings = async (rows: ReadonlyArray<EmbeddingRow>) => {
  const { add, finish } = await embeddingsEncoder()
  const parts: Array<Uint8Array> = []
  for (let from = 0; from < rows.length; from += 200) parts.push(await add(rows.slice(from, from + 200)))
  return Uint8Array.from(Buffer.concat([...parts, await finish()]))
}

const pyarrow = pythonWith("pyarrow")

describe("features as Parquet", () => {
  it("are a row an image: its path, and its features as a list, bit for bit", async () => {
    // More than are written together, and not a whole number of these.
    const rows = rowsOf(1100, 5)
    const { buffer } = (await encodeEmbeddings(rows)).slice()
    const found = await parquetReadObjects({ file: buffer })
    assert.deepStrictEqual(
      found.map(({ embedding, path }) => ({ path, features: Float32Array.from(embedding) })),
      rows
    )
    const { num_rows, schema } = await parquetMetadataAsync(buffer)
    assert.strictEqual(num_rows, 1100n)
    // What pyarrow calls the levels of a list, so that other readers take it for one.
    assert.deepStrictEqual(
      schema.map(({ name }) => name),
      ["schema", "path", "embedding", "list", "element"]
    )
  })

  it("leave memory as they come, some rows at a time", async () => {
    const { add, finish } = await embeddingsEncoder()
    const rows = rowsOf(1100, 100)
    const lengths = [(await add(rows)).length, (await add([])).length, (await finish()).length]
    // 1,024 rows are written at once; what is left, with the list of all parts, is the end.
    assert.isAbove(lengths[0] ?? 0, 1024 * 400)
    assert.strictEqual(lengths[1], 0)
    assert.isBelow(lengths[2] ?? 0, 100 * 400)
  })

  it("are an empty table where there are none", async () => {
    const { buffer } = (await encodeEmbeddings([])).slice()
    assert.deepStrictEqual(await parquetReadObjects({ file: buffer }), [])
  })

  it.skipIf(pyarrow === undefined)("are read by pyarrow", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weft-embeddings-"))
    try {
      const rows = rowsOf(600, 3)
      const file = join(folder, "photos.parquet")
      writeFileSync(file, await encodeEmbeddings(rows))
      const script =
        "import json, sys, pyarrow.parquet as pq; t = pq.read_table(sys.argv[1]); print(json.dumps([str(t.schema.field('embedding').type), t.to_pylist()[599]]))"
      const [type, last] = JSON.parse(execFileSync(pyarrow ?? "", ["-c", script, file], { encoding: "utf8" })) as [
        string,
        { readonly path: string; readonly embedding: ReadonlyArray<number> }
      ] // see the script
      assert.match(type, /^list<element: float/)
      assert.deepStrictEqual(last, { path: "photos/599.jpg", embedding: [...(rows[599]?.features ?? [])] })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
