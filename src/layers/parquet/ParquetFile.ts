/**
 * A Parquet file, read a column at a time: what a list of rows needs of a row group, or one cell of a row.
 *
 * hyparquet decodes. Its own reading of one row takes the whole column of a row group, which for images is mostly some
 * hundred megabytes; here the pages of a column are found first (by the offset index where there is one, else by their
 * headers), so that one image costs one page, about a megabyte.
 */
import type { AsyncBuffer, ColumnMetaData, FileMetaData, RowGroup, SchemaTree } from "hyparquet"
import { parquetMetadata, parquetSchema, readOffsetIndex } from "hyparquet"
import { readRowGroup } from "hyparquet/src/rowgroup.js"
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js"
import { compressors } from "hyparquet-compressors"

/** Why a file, or a part of it, cannot be read. */
export class ParquetFault extends Error {
  readonly reason: "damaged" | "encrypted" | "notParquet" | "unsupported"
  constructor(reason: ParquetFault["reason"], message: string) {
    super(message)
    this.reason = reason
  }
}

/** A column that has values of its own; `a.b` is the field `b` of the struct `a`. */
export interface Leaf {
  readonly name: string
  /** Bytes or text; `text` where the file says that it is text. */
  readonly kind: "bytes" | "text" | "other"
  /** Where a row may have several values, as in a list or a map: the list's own name, and how it is nested. */
  readonly list?: ListOf
}

/** A list: `tags` for the values of `tags.list.element`. */
export interface ListOf {
  readonly name: string
  /** How many of what the list is in, itself included, may be null. */
  readonly optional: number
}

/** Rows that are stored together. */
export interface Group {
  /** Row of the file, from 0. */
  readonly first: number
  readonly rows: number
}

/** The most bytes that are read, or unpacked, at once. */
const mostBytes = 2 ** 30

/** The most bytes of a file's metadata. */
const mostMetadata = 2 ** 28

const magic = { plain: "PAR1", encrypted: "PARE" } as const

/** What hyparquet or a decompressor threw, as a fault. */
const faultOf = (cause: unknown): ParquetFault =>
  cause instanceof ParquetFault
    ? cause
    : /unsupported|not supported|unknown encoding|codec/i.test(String(cause))
      ? new ParquetFault("unsupported", String(cause instanceof Error ? cause.message : cause))
      : new ParquetFault("damaged", `it is damaged (${cause instanceof Error ? cause.message : String(cause)})`)

const guarded = async <A>(run: () => Promise<A>): Promise<A> => {
  try {
    return await run()
  } catch (cause) {
    throw faultOf(cause)
  }
}

/** Unpacking that a damaged length cannot make fill the memory. */
const bounded: typeof compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, unpack]) => [
    codec,
    (input: Uint8Array, length: number) => {
      if (!(length >= 0 && length <= mostBytes))
        throw new ParquetFault("damaged", `it is damaged (a page would have ${length} bytes)`)
      return unpack(input, length)
    }
  ])
)

/** A file whose every read is inside it and of bounded length. */
const checked = (file: AsyncBuffer): AsyncBuffer => ({
  byteLength: file.byteLength,
  slice: (start, end = file.byteLength) => {
    if (!(start >= 0 && start <= end && end <= file.byteLength))
      throw new ParquetFault("damaged", "it is damaged or cut short (it points to bytes that it does not have)")
    if (end - start > mostBytes)
      throw new ParquetFault(
        "unsupported",
        `a column of a row group has ${end - start} bytes, and ${mostBytes} are read at most: write smaller row groups`
      )
    return file.slice(start, end)
  }
})

const textTypes: ReadonlySet<string> = new Set(["STRING", "UTF8", "ENUM", "JSON"])

const kindOf = ({ element }: SchemaTree): Leaf["kind"] => {
  if (element.type !== "BYTE_ARRAY") return "other"
  return textTypes.has(element.logical_type?.type ?? "") || textTypes.has(element.converted_type ?? "")
    ? "text"
    : "bytes"
}

const leavesOf = (tree: SchemaTree, optional = 0, within?: ListOf): ReadonlyArray<Leaf> =>
  tree.children.flatMap((child): ReadonlyArray<Leaf> => {
    const { repetition_type: repetition } = child.element
    const above = optional + (repetition === "OPTIONAL" ? 1 : 0)
    // What is repeated is the list's inside, or the list itself where nothing is around it.
    const own = tree.path.length > 0 ? tree.path : child.path
    const list = within ?? (repetition === "REPEATED" ? { name: own.join("."), optional } : undefined)
    return child.children.length > 0
      ? leavesOf(child, above, list)
      : [{ name: child.path.join("."), kind: kindOf(child), ...(list !== undefined && { list }) }]
  })

/** A page of a column: where it is, and its first row in the row group. */
interface Page {
  readonly offset: number
  /** With its header. */
  readonly bytes: number
  readonly first: number
}

/** Bytes that mostly hold a page's header; one with long statistics takes more. */
const headerBytes = [4096, 2 ** 20, 2 ** 26] as const

/** Where a column's data begin: at the dictionary, if there is one. */
const startOf = ({ data_page_offset, dictionary_page_offset }: ColumnMetaData): number =>
  Number(
    dictionary_page_offset !== undefined && dictionary_page_offset > 0 && dictionary_page_offset < data_page_offset
      ? dictionary_page_offset
      : data_page_offset
  )

/** The header at an offset, and its own length. */
const headerAt = async (file: AsyncBuffer, offset: number, end: number) => {
  for (const bytes of headerBytes) {
    const view = new DataView(await file.slice(offset, Math.min(offset + bytes, end)))
    const reader = { view, offset: 0 }
    try {
      return { header: deserializeTCompactProtocol(reader), length: reader.offset }
    } catch (cause) {
      // It goes on behind what was read.
      if (!(cause instanceof RangeError) || offset + bytes >= end) throw cause
    }
  }
  throw new ParquetFault("damaged", "it is damaged (a page's header has no end)")
}

/** Pages by their headers, one after the other. */
const scanPages = async (file: AsyncBuffer, meta: ColumnMetaData): Promise<ReadonlyArray<Page>> => {
  const pages: Array<Page> = []
  const start = startOf(meta)
  const end = start + Number(meta.total_compressed_size)
  let first = 0
  for (let offset = start; offset < end;) {
    const { header, length } = await headerAt(file, offset, end)
    // Source: parquet.thrift, PageHeader: 3 is the compressed size, 5 and 8 are the headers of data pages, versions 1 and 2.
    const size = Number(header.field_3)
    const values = Number(header.field_5?.field_1 ?? header.field_8?.field_3 ?? 0)
    if (!(size >= 0 && values >= 0)) throw new ParquetFault("damaged", "it is damaged (a page has no size)")
    if (header.field_5 !== undefined || header.field_8 !== undefined)
      pages.push({ offset, bytes: length + size, first })
    first += values
    offset += length + size
  }
  return pages
}

/** Which page a row is in: the last one that does not begin behind it. */
const pageOf = (pages: ReadonlyArray<Page>, row: number): number => {
  let [low, high] = [0, pages.length - 1]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((pages[middle]?.first ?? 0) <= row) low = middle
    else high = middle - 1
  }
  return low
}

/** A field's value out of its optional structs, each of which hyparquet's columns have as a list of one. */
const unwrapped = (value: unknown): unknown => {
  let inner = value
  while (Array.isArray(inner)) inner = inner[0]
  return inner
}

/**
 * The values of a list, of which the library nests one array for whatever may be null or is repeated around them; undefined
 * where the list is null.
 */
const listed = (value: unknown, { optional }: ListOf): ReadonlyArray<unknown> | undefined => {
  const values: ReadonlyArray<unknown> = [value].flat(Infinity)
  if (values.length > 0) return values
  let depth = 0
  for (let inner = value; Array.isArray(inner) && inner.length > 0; inner = inner[0]) depth += 1
  return depth < optional ? undefined : []
}

/** Values that are next to each other in a column. */
export interface Cells {
  /** Row of the file, from 0, of the first of them. */
  readonly first: number
  readonly values: ReadonlyArray<unknown>
}

/** What is known of a file: its columns, its row groups, and where the pages of its columns are. */
export class ParquetFile {
  readonly leaves: ReadonlyArray<Leaf>
  readonly groups: ReadonlyArray<Group>
  readonly rows: number
  readonly #metadata: FileMetaData
  readonly #pages = new Map<string, Promise<ReadonlyArray<Page>>>()

  private constructor(metadata: FileMetaData) {
    this.#metadata = metadata
    this.leaves = leavesOf(parquetSchema(metadata))
    let first = 0
    this.groups = metadata.row_groups.map(({ num_rows }) => {
      const group = { first, rows: Number(num_rows) }
      first += group.rows
      return group
    })
    this.rows = first
  }

  /** Reads what a file says of itself, at its end. Rejects with a ParquetFault. */
  static open(file: AsyncBuffer): Promise<ParquetFile> {
    return guarded(async () => {
      const { byteLength: size } = file
      const text = (bytes: ArrayBuffer) => Buffer.from(bytes).toString("latin1")
      const end = size < 12 ? new ArrayBuffer(0) : await file.slice(size - 8, size)
      const mark = text(end).slice(4)
      if (mark === magic.encrypted)
        throw new ParquetFault("encrypted", "it is encrypted, and Weft has no key to it: write it without encryption")
      if (mark !== magic.plain) {
        const begins = size >= 4 && text(await file.slice(0, 4)) === magic.plain
        throw begins
          ? new ParquetFault("damaged", "it is cut short: it begins as a Parquet file does, and does not end as one")
          : new ParquetFault("notParquet", "this is not a Parquet file")
      }
      const length = new DataView(end).getUint32(0, true)
      if (length > size - 12 || length > mostMetadata)
        throw new ParquetFault("damaged", "it is damaged (its metadata would be longer than they can be)")
      const parquet = new ParquetFile(parquetMetadata(await file.slice(size - 8 - length, size)))
      if (
        parquet.#metadata.row_groups.some(({ columns }) =>
          columns.some((column) => column.crypto_metadata !== undefined)
        )
      )
        throw new ParquetFault("encrypted", "columns of it are encrypted, and Weft has no key to them")
      return parquet
    })
  }

  /** Text that a writer left with the file, by its key. */
  note(key: string): string | undefined {
    return this.#metadata.key_value_metadata?.find((pair) => pair.key === key)?.value
  }

  #chunk(group: number, leaf: string): { readonly rowGroup: RowGroup; readonly meta: ColumnMetaData } {
    const rowGroup = this.#metadata.row_groups[group]
    const meta = rowGroup?.columns.find((column) => column.meta_data?.path_in_schema.join(".") === leaf)?.meta_data
    if (rowGroup === undefined || meta === undefined)
      throw new ParquetFault("damaged", `it is damaged (row group ${group} has no column ${JSON.stringify(leaf)})`)
    return { rowGroup, meta }
  }

  /** Whether a column has nothing but null in it, as far as the file says. */
  isNull(leaf: string): boolean {
    return this.#metadata.row_groups.every((_, group) => {
      const { meta } = this.#chunk(group, leaf)
      return meta.statistics?.null_count !== undefined && meta.statistics.null_count === meta.num_values
    })
  }

  async #read(
    file: AsyncBuffer,
    group: number,
    leaf: string,
    from: number,
    to: number,
    pages?: ReadonlyArray<Page>,
    list?: ListOf
  ) {
    const { meta, rowGroup } = this.#chunk(group, leaf)
    const start = startOf(meta)
    const range = { startByte: start, endByte: start + Number(meta.total_compressed_size) }
    const { first: groupStart = 0, rows: groupRows = 0 } = this.groups[group] ?? {}
    const locations = pages?.map(({ bytes, first, offset }) => ({
      offset: BigInt(offset),
      compressed_page_size: bytes,
      first_row_index: BigInt(first)
    }))
    const { asyncColumns } = readRowGroup(
      { file: checked(file), compressors: bounded, utf8: false },
      { metadata: this.#metadata, rowStart: 0, columns: [], fetches: [], groups: [] },
      {
        rowGroup,
        groupStart,
        groupRows,
        selectStart: from,
        selectEnd: to,
        chunks: [
          locations === undefined
            ? { columnMetadata: meta, range }
            : { columnMetadata: meta, range, pageLocations: locations }
        ]
      }
    )
    const read = await asyncColumns[0]?.data
    const isNested = meta.path_in_schema.length > 1
    const cellOf = (value: unknown) => (list !== undefined ? listed(value, list) : isNested ? unwrapped(value) : value)
    const values: Array<unknown> = []
    for (const part of read?.data ?? []) for (const value of part) values.push(cellOf(value))
    const skipped = read?.skipped ?? 0
    const wanted = values.slice(from - skipped, to - skipped)
    if (wanted.length !== to - from)
      throw new ParquetFault("damaged", `it is damaged (the column ${JSON.stringify(leaf)} has fewer values than rows)`)
    return wanted
  }

  /** All values of a column in a row group. Rejects with a ParquetFault. */
  column(file: AsyncBuffer, group: number, leaf: string): Promise<ReadonlyArray<unknown>> {
    return guarded(() => this.#read(file, group, leaf, 0, this.groups[group]?.rows ?? 0))
  }

  /** The lists of a column in a row group; undefined for a list that is null. Rejects with a ParquetFault. */
  lists(file: AsyncBuffer, group: number, leaf: string, list: ListOf): Promise<ReadonlyArray<unknown>> {
    return guarded(() => this.#read(file, group, leaf, 0, this.groups[group]?.rows ?? 0, undefined, list))
  }

  #pagesOf(file: AsyncBuffer, group: number, leaf: string): Promise<ReadonlyArray<Page>> {
    const key = `${group} ${leaf}`
    const known = this.#pages.get(key)
    if (known !== undefined) return known
    const find = async () => {
      const { meta, rowGroup } = this.#chunk(group, leaf)
      const column = rowGroup.columns.find(({ meta_data }) => meta_data === meta)
      const [offset, length] = [Number(column?.offset_index_offset ?? 0), column?.offset_index_length ?? 0]
      if (offset === 0 || length === 0) return await scanPages(checked(file), meta)
      const view = new DataView(await checked(file).slice(offset, offset + length))
      return readOffsetIndex({ view, offset: 0 }).page_locations.map((page) => ({
        offset: Number(page.offset),
        bytes: page.compressed_page_size,
        first: Number(page.first_row_index)
      }))
    }
    const finding = find()
    this.#pages.set(key, finding)
    // What could not be read once may be read again.
    finding.catch(() => this.#pages.delete(key))
    return finding
  }

  /** The page that has a row's cell: its name in this file, and how to read it. Rejects with a ParquetFault. */
  page(file: AsyncBuffer, row: number, leaf: string) {
    return guarded(async () => {
      const group = this.groups.findIndex(({ first, rows }) => row >= first && row < first + rows)
      const { first: groupFirst = 0, rows = 0 } = this.groups[group] ?? {}
      if (group < 0) return undefined
      const pages = await this.#pagesOf(file, group, leaf)
      const index = pageOf(pages, row - groupFirst)
      const from = pages[index]?.first ?? 0
      const to = pages[index + 1]?.first ?? rows
      return {
        key: `${group} ${index} ${leaf}`,
        read: (): Promise<Cells> =>
          guarded(async () => ({
            first: groupFirst + from,
            values: await this.#read(file, group, leaf, from, to, pages)
          }))
      }
    })
  }
}
