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

/**
 * Encodes rows of features as a Parquet file, some at a time. `add` gives the bytes that come next, which are none until
 * there are enough rows, and `finish` the last ones.
 */
export const embeddingsEncoder = async () => {
  // Loaded when it is first needed.
  const { ByteWriter, ParquetWriter } = await import("hyparquet-writer")
  const writer = new ByteWriter()
  // Without compression: it hardly makes features smaller.
  const file = new ParquetWriter({ writer, schema, codec: "UNCOMPRESSED" })
  const waiting: Array<EmbeddingRow> = []
  /** What was written since the last time; the writer's offset goes on from there. */
  const taken = (): Uint8Array<ArrayBuffer> => {
    const bytes = writer.getBytes().slice()
    writer.index = 0
    return bytes
  }
  const write = async (rows: ReadonlyArray<EmbeddingRow>) => {
    await file.write({
      columnData: [
        { name: "path", data: rows.map(({ path }) => path) },
        { name: "embedding", data: rows.map(({ features }) => Array.from(features)), encoding: "PLAIN" }
      ]
    })
  }
  return {
    add: async (rows: ReadonlyArray<EmbeddingRow>): Promise<Uint8Array<ArrayBuffer>> => {
      waiting.push(...rows)
      while (waiting.length >= atOnce) await write(waiting.splice(0, atOnce))
      return taken()
    },
    finish: async (): Promise<Uint8Array<ArrayBuffer>> => {
      if (waiting.length > 0) await write(waiting.splice(0))
      await file.finish()
      return taken()
    }
  }
}
