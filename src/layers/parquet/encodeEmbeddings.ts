import type { SchemaElement } from "hyparquet-writer"

/** An image with the features that a model gives its head. */
export interface EmbeddingRow {
  readonly path: string
  readonly features: Float32Array
}

/**
 * A row an image: its `path`, and its features as a list of 32-bit numbers, `embedding`, as `pyarrow` names the levels of
 * a list. It is a list, because a column for each feature would make a thousand columns, which readers open one by one.
 */
const schema: Array<SchemaElement> = [
  { name: "schema", num_children: 2 },
  { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
  { name: "embedding", converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type: "FLOAT", repetition_type: "REQUIRED" }
]

/** Rows that are written together: the writer needs several times their memory meanwhile. */
const atOnce = 512

/** Rows of features as a Parquet file. */
export const encodeEmbeddings = async (rows: ReadonlyArray<EmbeddingRow>): Promise<Uint8Array<ArrayBuffer>> => {
  // Loaded when it is first needed.
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer")
  const writer = new ByteWriter()
  // Without compression: it hardly makes features smaller.
  const file = new ParquetWriter({ writer, schema, codec: "UNCOMPRESSED" })
  for (let from = 0; from < rows.length; from += atOnce) {
    const some = rows.slice(from, from + atOnce)
    await file.write({
      columnData: [
        { name: "path", data: some.map(({ path }) => path) },
        { name: "embedding", data: some.map(({ features }) => Array.from(features)), encoding: "PLAIN" }
      ]
    })
  }
  await file.finish()
  return writer.getBytes()
}
