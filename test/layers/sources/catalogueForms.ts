import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { parquetWriteBuffer } from "hyparquet-writer"
import { gzipSync, zstdCompressSync } from "node:zlib"
import type { DataConfig } from "../../../src/pipeline/DataConfig.ts"

/** An image of a small catalogue; its id is its path. */
export interface Photo {
  readonly label: string
  readonly part: string
  readonly name: string
  readonly bytes: Uint8Array
}

/** A photo's path under the folder that has the class folders, or the part folders. */
export const pathOf = ({ label, name, part }: Photo, withParts: boolean): string =>
  withParts ? `${part}/${label}/${name}` : `${label}/${name}`

/** How a Parquet file's pages are packed. */
export const packings = {
  SNAPPY: undefined,
  UNCOMPRESSED: undefined,
  GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
  ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes))
} as const

export interface ParquetChoices {
  readonly codec?: keyof typeof packings
  readonly rowGroupSize?: number
  readonly pageSize?: number
  readonly offsetIndex?: boolean
  readonly kvMetadata?: Array<{ key: string; value: string }>
}

/** A Parquet file with images' bytes in a struct, as Hugging Face writes it, and with plain columns beside it. */
export const parquetBytes = (
  photos: ReadonlyArray<Omit<Photo, "label"> & { readonly id: string; readonly label: string | number }>,
  { codec = "SNAPPY", kvMetadata, offsetIndex = true, pageSize = 2 ** 20, rowGroupSize = 1000 }: ParquetChoices = {}
): Uint8Array => {
  const pack = packings[codec]
  const isNumber = photos.every(({ label }) => typeof label === "number")
  const optional = { repetition_type: "OPTIONAL" } as const
  const text = { type: "BYTE_ARRAY", converted_type: "UTF8", ...optional } as const
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: "root", num_children: 5 },
        { name: "id", ...text },
        { name: "label", ...(isNumber ? { type: "INT64", ...optional } : text) },
        { name: "split", ...text },
        { name: "image", num_children: 2, ...optional },
        { name: "bytes", type: "BYTE_ARRAY", ...optional },
        { name: "path", ...text },
        { name: "raw", type: "BYTE_ARRAY", ...optional }
      ],
      columnData: [
        { name: "id", data: photos.map(({ id }) => id), offsetIndex },
        {
          name: "label",
          data: photos.map(({ label }) => (typeof label === "number" ? BigInt(label) : label)),
          offsetIndex
        },
        { name: "split", data: photos.map(({ part }) => part), offsetIndex },
        { name: "image", data: photos.map(({ bytes, name }) => ({ bytes, path: name })), offsetIndex },
        { name: "raw", data: photos.map(({ bytes }) => bytes), offsetIndex }
      ],
      codec,
      ...(pack !== undefined && { compressors: { [codec]: pack } }),
      rowGroupSize,
      pageSize,
      ...(kvMetadata !== undefined && { kvMetadata })
    })
  )
}

/** The same catalogue in the four forms, in a folder of each; and the keys that read it. */
export const writeForms = (root: string, photos: ReadonlyArray<Photo>, withParts: boolean) => {
  const rows = photos.map((photo) => ({ ...photo, id: pathOf(photo, withParts) }))
  const write = (path: string, bytes: Uint8Array | string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), bytes)
  }
  for (const form of ["folders", "csv", "jsonl"]) for (const { bytes, id } of rows) write(`${form}/${id}`, bytes)
  write("csv/list.csv", `id;label;split\n${rows.map(({ id, label, part }) => `"${id}";${label};${part}\n`).join("")}`)
  write(
    "jsonl/metadata.jsonl",
    rows.map(({ id, label, part }) => `${JSON.stringify({ file_name: id, label, meta: { split: part } })}\n`).join("")
  )
  write("parquet/list.parquet", parquetBytes(rows, { rowGroupSize: 7, pageSize: 3000 }))
  const keys = (column: string) => (withParts ? { split: { by: { column } } } : {})
  return {
    csv: { root: join(root, "csv"), csv: "list.csv", images: "{id}", ...keys("split") },
    folders: { root: join(root, "folders"), folders: true },
    jsonl: { root: join(root, "jsonl"), jsonl: "metadata.jsonl", images: "{file_name}", ...keys("meta.split") },
    parquet: { root: join(root, "parquet"), parquet: "list.parquet", images: "{image}", ...keys("split") }
  } satisfies Record<string, Partial<typeof DataConfig.Encoded>>
}
