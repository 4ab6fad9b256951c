import { unreadable } from "./unreadable.ts"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Result, Stream } from "effect"
import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import type { CatalogueForm } from "../../pipeline/catalogueForm.ts"
import { RowsError } from "../../pipeline/RowsError.ts"

/** Bytes at a file's beginning from which its kind is known. */
const enough = 1024

/** What a text file is read as. */
export type TextForm = Extract<CatalogueForm, "csv" | "jsonl">

const nouns: Readonly<Record<TextForm, string>> = { csv: "CSV", jsonl: "JSON lines" }

/** What to do about a file that is something else. */
type Cure = (form: TextForm) => string

/** A kind of file that is no list in UTF-8, and what to do about it. */
interface Kind {
  readonly what: string
  readonly cure: Cure
}

const saveAsCsv: Cure = () =>
  'Save it as CSV in UTF-8 (spreadsheets call it "CSV UTF-8"), and set `data.csv` to that file.'
const exportAsCsv: Cure = () => "Write its table as CSV, with a header, and set `data.csv` to that file."
const unpack: Cure = (form) => `Unpack it, and set \`data.${form}\` to the ${nouns[form]} file in it.`
const nameList: Cure = (form) => `Set \`data.${form}\` to the ${nouns[form]} file with the images' list.`
const always =
  (cure: string): Cure =>
  () =>
    cure

/** By the bytes that a file begins with, as Latin-1. */
const beginnings: ReadonlyArray<readonly [bytes: string, kind: Kind]> = [
  ["\x1f\x8b", { what: "this is a gzip file", cure: unpack }],
  ["BZh", { what: "this is a bzip2 file", cure: unpack }],
  ["\xfd7zXZ\0", { what: "this is an xz file", cure: unpack }],
  ["\x28\xb5\x2f\xfd", { what: "this is a zstd file", cure: unpack }],
  ["7z\xbc\xaf\x27\x1c", { what: "this is a 7z archive", cure: unpack }],
  ["Rar!", { what: "this is a RAR archive", cure: unpack }],
  ["\xd0\xcf\x11\xe0", { what: "this is an Excel workbook (.xls)", cure: saveAsCsv }],
  ["PAR1", { what: "this is a Parquet file", cure: always("Set `data.parquet` to it.") }],
  ["ARROW1", { what: "this is an Arrow file", cure: exportAsCsv }],
  ["FEA1", { what: "this is a Feather file", cure: exportAsCsv }],
  ["Obj\x01", { what: "this is an Avro file", cure: exportAsCsv }],
  ["ORC", { what: "this is an ORC file", cure: exportAsCsv }],
  ["SQLite format 3\0", { what: "this is an SQLite database", cure: exportAsCsv }],
  ["\x89HDF", { what: "this is an HDF5 file", cure: exportAsCsv }],
  ["\x93NUMPY", { what: "this is a NumPy file", cure: exportAsCsv }],
  ["%PDF", { what: "this is a PDF", cure: nameList }],
  ["\xff\xd8\xff", { what: "this is a JPEG", cure: nameList }],
  ["\x89PNG", { what: "this is a PNG", cure: nameList }],
  [
    "version https://git-lfs.github.com/spec/",
    {
      what: "this is a Git LFS pointer, not the file that it stands for",
      cure: always("Fetch the file with `git lfs pull`.")
    }
  ]
]

const utf16 = (detail: string): Kind => ({ what: `this is UTF-16 ${detail}`, cure: saveAsCsv })

const zipBeginnings = ["PK\x03\x04", "PK\x05\x06", "PK\x07\x08"]

/** The kinds of zip that a spreadsheet writes have their parts' names near the beginning. */
const zipKind = (head: string): Kind =>
  head.includes("xl/") || head.includes("[Content_Types].xml")
    ? { what: "this is an Excel workbook (.xlsx)", cure: saveAsCsv }
    : head.includes("opendocument.spreadsheet")
      ? { what: "this is an OpenDocument spreadsheet (.ods)", cure: saveAsCsv }
      : { what: "this is a zip archive", cure: unpack }

/** UTF-16 without a mark: text in Latin letters has a zero in every second byte. */
const unmarkedUtf16 = (bytes: Uint8Array): Kind | undefined => {
  const zeros = [0, 0]
  bytes.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1
  })
  const [even = 0, odd = 0] = zeros
  const pairs = bytes.length / 2
  if (odd > pairs / 2 && even < pairs / 20) return utf16("(little-endian, without a byte order mark)")
  if (even > pairs / 2 && odd < pairs / 20) return utf16("(big-endian, without a byte order mark)")
  return undefined
}

const asLines =
  "If it has an object on each line, set `data.jsonl` to it; otherwise write its table as CSV, with a header, and set `data.csv` to that file."

const json = (text: string, form: TextForm): Kind | undefined => {
  if (form === "csv")
    return /^(\{\s*["}]|\[\s*[[{"\d\]-])/.test(text) ? { what: "this is JSON", cure: always(asLines) } : undefined
  return /^(\[|\{[ \t]*\r?\n)/.test(text)
    ? {
        what: "this is one JSON document, and not an object on each line",
        cure: always("Write each of its objects on a line of its own: `jq -c '.[]' FILE.json > FILE.jsonl`.")
      }
    : undefined
}

const markupOrJson = (head: string, form: TextForm): Kind | undefined => {
  const text = head.replace(/^\xef\xbb\xbf/, "").trimStart()
  if (/^<(!doctype html|html|head|body|table)\b/i.test(text))
    return {
      what: "this is a web page (HTML), perhaps a sign-in or error page that was saved in the file's place",
      cure: always("Download the list itself.")
    }
  if (/^<(\?xml|[a-z!])/i.test(text)) return { what: "this is XML", cure: exportAsCsv }
  return json(text, form)
}

/** The kind of a file that is no list in UTF-8, by its first bytes. */
const kindOf = (bytes: Uint8Array, form: TextForm): Kind | undefined => {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
  if (zipBeginnings.some((beginning) => head.startsWith(beginning))) return zipKind(head)
  const known = beginnings.find(([beginning]) => head.startsWith(beginning))
  if (known !== undefined) return known[1]
  if (head.startsWith("\xff\xfe\0\0") || head.startsWith("\0\0\xfe\xff"))
    return { what: "this is UTF-32", cure: saveAsCsv }
  if (head.startsWith("\xff\xfe")) return utf16("(little-endian)")
  if (head.startsWith("\xfe\xff")) return utf16("(big-endian)")
  if (head.includes("\0"))
    return unmarkedUtf16(bytes) ?? { what: "this is a binary file, with zero bytes in it", cure: nameList }
  return markupOrJson(head, form)
}

/** Holds back the first bytes of a file until its kind is known; fails where it is not text. */
const makeKindCheck = (file: string, form: TextForm) => {
  let held: Buffer | undefined = Buffer.alloc(0)
  /** The bytes to go on with: none while they are held back. */
  return (chunk: Uint8Array, isLast: boolean): Result.Result<Uint8Array, RowsError> => {
    if (held === undefined) return Result.succeed(chunk)
    held = Buffer.concat([held, chunk])
    if (held.length < enough && !isLast) return Result.succeed(held.subarray(0, 0))
    const bytes = held
    held = undefined
    const kind = kindOf(bytes.subarray(0, enough), form)
    return kind === undefined
      ? Result.succeed(bytes)
      : Result.fail(
          new RowsError({
            file,
            reason: kind.what.startsWith("this is UTF") ? "notUtf8" : form === "csv" ? "notCsv" : "notJsonLines",
            detail: kind.what,
            cure: kind.cure(form)
          })
        )
  }
}

const notAFile = (file: string, form: TextForm, detail: string) =>
  new RowsError({
    file,
    reason: "notAFile",
    detail,
    cure: `Expected a ${nouns[form]} file; set \`data.${form}\` to its name.`
  })

/** A device or a pipe may have no end, and the opening of a pipe cannot be interrupted: neither is opened. */
const checkIsFile = Effect.fnUntraced(function* (file: string, form: TextForm) {
  const found = yield* Effect.tryPromise({ try: () => stat(file), catch: (cause) => unreadable(file, form, cause) })
  if (found.isDirectory()) return yield* notAFile(file, form, "this is a folder")
  if (!found.isFile()) return yield* notAFile(file, form, "this is a device or a pipe")
})

/**
 * The bytes of a text file, `chunkBytes` at a time. Fails with a RowsError where it cannot be read, and where it is
 * something else (a workbook, an archive, JSON in a CSV's place, a web page, UTF-16), which the error names.
 */
export const textBytes = (
  file: string,
  chunkBytes: number,
  form: TextForm = "csv"
): Stream.Stream<Uint8Array, RowsError> =>
  Stream.suspend(() => {
    const check = makeKindCheck(file, form)
    const bytes = NodeStream.fromReadable<Uint8Array, RowsError>({
      evaluate: () => createReadStream(file, { highWaterMark: chunkBytes }),
      onError: (cause) => unreadable(file, form, cause)
    })
    return Stream.unwrap(Effect.as(checkIsFile(file, form), bytes)).pipe(
      Stream.mapEffect((chunk) => Effect.fromResult(check(chunk, false))),
      Stream.concat(Stream.fromEffect(Effect.suspend(() => Effect.fromResult(check(new Uint8Array(), true)))))
    )
  })
