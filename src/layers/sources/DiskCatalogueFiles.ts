import { parse } from "csv-parse/sync"
import { Effect, Layer, Option, Stream } from "effect"
import type { SchemaTree } from "hyparquet"
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet"
import { compressors } from "hyparquet-compressors"
import { open, opendir, stat } from "node:fs/promises"
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path"
import type { FolderFound, ListKind, ListSample, Place } from "../../pipeline/CatalogueFiles.ts"
import { CatalogueFiles, CatalogueUnclear } from "../../pipeline/CatalogueFiles.ts"
import { mostRows } from "../../pipeline/guessCatalogue.ts"
import { byCodeUnit } from "../../pipeline/hashOrder.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import { isImage } from "../images/files/walk.ts"
import { systemFault } from "../storage/systemFault.ts"
import { detectDelimiter } from "./delimiter.ts"
import { textBytes } from "./textFile.ts"

/** Bytes of a list that are looked at; a CSV of a catalogue has some thousand rows in them. */
const mostBytes = 1 << 20

/** Of a place: folders, their depth, names in one of them, images counted, and names of other files that are kept. */
const bounds = { folders: 2000, depth: 3, names: 200_000, images: 100_000, others: 20 }

const kinds: Readonly<Record<string, ListKind>> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".parquet": "parquet"
}

const kindOf = (name: string): ListKind | undefined => {
  const ending = extname(name).toLowerCase()
  return Object.hasOwn(kinds, ending) ? kinds[ending] : undefined
}

const isHidden = (name: string): boolean => name.startsWith(".") || name === "__MACOSX"

/** What lies right in a folder. */
const lookInto = async (folder: string) => {
  const endings = new Map<string, number>()
  const folders: Array<string> = []
  const lists: Array<string> = []
  const others: Array<string> = []
  let images = 0
  let names = 0
  for await (const entry of await opendir(folder, { bufferSize: 1024 })) {
    if (isHidden(entry.name)) continue
    if (++names > bounds.names) break
    const found = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry
    if (found === undefined) continue
    if (found.isDirectory()) folders.push(entry.name)
    else if (isImage(entry.name)) {
      images += 1
      const ending = extname(entry.name)
      endings.set(ending, (endings.get(ending) ?? 0) + 1)
      if (images >= bounds.images) break
    } else if (kindOf(entry.name) !== undefined) lists.push(entry.name)
    else if (others.length < bounds.others) others.push(entry.name)
  }
  const common = [...endings].toSorted(([a, n], [b, m]) => m - n || byCodeUnit(a, b)).map(([ending]) => ending)
  return {
    images,
    endings: common.slice(0, 4),
    folders: folders.toSorted(byCodeUnit),
    lists: lists.toSorted(byCodeUnit),
    others: others.toSorted(byCodeUnit)
  }
}

/** The folders below a root, the nearest first, and the lists right in the root and in the folders right below it. */
const lookAround = async (root: string) => {
  const top = await lookInto(root)
  const folders: Array<FolderFound> = [{ path: "", images: top.images, endings: top.endings }]
  const lists = [...top.lists]
  const below: Array<string> = []
  let level = top.folders
  for (let depth = 1; depth <= bounds.depth && level.length > 0; depth++) {
    const next: Array<string> = []
    for (const path of level) {
      if (folders.length >= bounds.folders) break
      const found = await lookInto(join(root, path)).catch(() => undefined)
      if (found === undefined) continue
      folders.push({ path, images: found.images, endings: found.endings })
      if (depth === 1) below.push(...found.lists.map((name) => `${path}/${name}`))
      next.push(...found.folders.map((name) => `${path}/${name}`))
    }
    level = next
  }
  return { folders, lists: lists.length > 0 ? lists : below, others: top.others }
}

const otherKinds: ReadonlyArray<readonly [RegExp, detail: string, cure: string]> = [
  [/\.(?:toml|ya?ml|json)$/i, "this is no list of images", "If it is a configuration: --config FILE"],
  [/\.(?:zip|tar|tgz|gz|7z|rar|bz2|xz)$/i, "this is an archive", "Unpack it, and name the folder."],
  [/\.(?:xlsx?|ods|numbers)$/i, "this is a workbook", "Save it as CSV, and name that file."]
]

const look = async (path: string): Promise<Place | CatalogueUnclear> => {
  const refuse = (reason: CatalogueUnclear["reason"], detail: string, cure: string) =>
    new CatalogueUnclear({ path, reason, detail, cure })
  const absolute = resolve(path)
  const found = await stat(absolute).catch(() => undefined)
  if (found === undefined)
    return refuse(
      "missing",
      "there is no such file or folder",
      /^[A-Za-z][\w.]*=/.test(path)
        ? `To set a key: --set ${path}`
        : "Name a folder of photos, or a CSV, JSON lines or Parquet file that lists them."
    )
  if (found.isDirectory()) {
    const { lists, ...around } = await lookAround(absolute)
    return {
      named: path,
      root: absolute,
      lists: lists.flatMap((file) => {
        const kind = kindOf(file)
        return kind === undefined ? [] : [{ file, kind }]
      }),
      ...around
    }
  }
  const file = basename(absolute)
  const kind = found.isFile() ? kindOf(file) : undefined
  if (kind === undefined) {
    const [
      ,
      detail = "this is no list of images",
      cure = "Name a folder of photos, or a CSV, JSON lines or Parquet file."
    ] = otherKinds.find(([ending]) => ending.test(file)) ?? []
    return refuse(
      "otherKind",
      isImage(file) ? "this is a single photo" : detail,
      isImage(file) ? "Name a folder of photos, or a list of them." : cure.replace("--config FILE", `--config ${path}`)
    )
  }
  const root = dirname(absolute)
  const { folders } = await lookAround(root)
  return { named: path, root, lists: [{ file, kind }], folders, others: [] }
}

/** The first bytes of a file as text. */
const beginning = Effect.fnUntraced(function* (file: string, form: "csv" | "jsonl") {
  let bytes = 0
  const chunks = yield* textBytes(file, 65_536, form).pipe(
    Stream.takeUntil((chunk) => (bytes += chunk.length) >= mostBytes),
    Stream.runCollect
  )
  return {
    text: new TextDecoder().decode(Buffer.concat(chunks)).replace(/^\uFEFF/, ""),
    isWhole: bytes < mostBytes
  }
})

const unreadable = (file: string) => (cause: unknown) =>
  cause instanceof RowsError
    ? cause
    : new RowsError({
        file,
        reason: "unreadable",
        detail: `its first rows cannot be read: ${systemFault(cause).detail}`,
        cure: "Write it again, or name another file.",
        cause
      })

const sampleCsv = Effect.fnUntraced(function* (path: string, file: string) {
  const { isWhole, text } = yield* beginning(path, "csv")
  const delimiter = detectDelimiter(text.split(/\r\n|\n|\r/).slice(0, 200), [])
  const records = yield* Effect.try({
    try: (): ReadonlyArray<ReadonlyArray<string>> =>
      parse(text, {
        delimiter,
        relax_quotes: true,
        relax_column_count: true,
        skip_empty_lines: true,
        // What is cut off in a quoted cell is no row.
        skip_records_with_error: true,
        to: mostRows + 1
      }),
    catch: unreadable(path)
  })
  const [header = [], ...rows] = records
  const columns = header.map((name) => name.trim())
  // The last row of what was read may be cut off.
  const complete = isWhole || records.length > mostRows ? rows : rows.slice(0, -1)
  return {
    file,
    kind: "csv",
    delimiter,
    columns,
    rows: complete.filter((row) => row.length === columns.length)
  } satisfies ListSample
})

type Table = { readonly [key: string]: unknown }
const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null && !Array.isArray(value)

/** The single values of an object, those of nested ones as `a.b`. */
const flat = (table: Table, before = ""): ReadonlyArray<readonly [string, string]> =>
  Object.entries(table).flatMap(([key, value]): ReadonlyArray<readonly [string, string]> => {
    if (isTable(value)) return flat(value, `${before}${key}.`)
    if (Array.isArray(value) || value === null || value === undefined) return []
    return [[before + key, String(value)]]
  })

const tableOf = (objects: ReadonlyArray<Table>) => {
  const flats = objects.map((one) => new Map(flat(one)))
  const columns = [...new Set(flats.flatMap((one) => [...one.keys()]))]
  return { columns, rows: flats.map((one) => columns.map((name) => one.get(name) ?? "")) }
}

const sampleJsonLines = Effect.fnUntraced(function* (path: string, file: string) {
  const { isWhole, text } = yield* beginning(path, "jsonl")
  const lines = text.split(/\r?\n/)
  const objects = (isWhole ? lines : lines.slice(0, -1))
    .filter((line) => line.trim() !== "")
    .slice(0, mostRows)
    .flatMap((line) => {
      const read = Option.liftThrowable((): unknown => JSON.parse(line))()
      return Option.isSome(read) && isTable(read.value) ? [read.value] : []
    })
  return { file, kind: "jsonl", ...tableOf(objects) } satisfies ListSample
})

const fileBuffer = async (path: string) => {
  const { size } = await stat(path)
  return {
    byteLength: size,
    slice: async (start: number, end = size): Promise<ArrayBuffer> => {
      const handle = await open(path)
      try {
        const bytes = Buffer.alloc(end - start)
        await handle.read(bytes, 0, bytes.length, start)
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
      } finally {
        await handle.close()
      }
    }
  }
}

const firstOf = async (path: string): Promise<string> => {
  if (!path.endsWith("*.parquet")) return path
  const folder = dirname(path)
  const { lists } = await lookInto(folder)
  return join(folder, lists.find((name) => name.endsWith(".parquet")) ?? "")
}

const sampleParquet = (path: string, file: string) =>
  Effect.tryPromise({
    try: async (): Promise<ListSample> => {
      const buffer = await fileBuffer(await firstOf(path))
      const metadata = await parquetMetadataAsync(buffer)
      const { children } = parquetSchema(metadata)
      const isImage = ({ children, element }: SchemaTree) =>
        (element.type === "BYTE_ARRAY" && element.converted_type === undefined && element.logical_type === undefined) ||
        children.some(({ element }) => element.name === "bytes")
      const bytes = children.filter(isImage).map(({ element }) => element.name)
      const columns = children.map(({ element }) => element.name).filter((name) => !bytes.includes(name))
      const objects =
        columns.length === 0
          ? []
          : await parquetReadObjects({ file: buffer, metadata, compressors, columns, rowEnd: mostRows })
      const table = tableOf(objects.filter(isTable))
      return { file, kind: "parquet", ...table, ...(bytes.length > 0 && { bytes }) }
    },
    catch: unreadable(path)
  })

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false
  )

/** Catalogues on this machine's disk. */
export const layer = Layer.succeed(CatalogueFiles, {
  look: Effect.fn("CatalogueFiles.look")(function* (path) {
    const found = yield* Effect.tryPromise({
      try: () => look(path),
      catch: (cause) =>
        new CatalogueUnclear({
          path,
          reason: "missing",
          detail: `it cannot be read: ${systemFault(cause).detail}`,
          cure: "Check that you may read it."
        })
    })
    return found instanceof CatalogueUnclear ? yield* found : found
  }),
  sample: Effect.fn("CatalogueFiles.sample")(function* ({ root }, { file, kind }) {
    const path = join(root, file)
    if (kind === "csv") return yield* sampleCsv(path, file)
    return yield* kind === "jsonl" ? sampleJsonLines(path, file) : sampleParquet(path, file)
  }),
  present: Effect.fn("CatalogueFiles.present")(function* (root: string, paths: ReadonlyArray<string>) {
    const all = [...new Set(paths)]
    const found = yield* Effect.forEach(
      all,
      (path) => Effect.promise(() => isFile(isAbsolute(path) ? path : join(root, path))),
      { concurrency: 16 }
    )
    return new Set(all.filter((_, index) => found[index] === true))
  })
})
