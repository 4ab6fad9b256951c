/**
 * Class folders: the images below a folder are of the class that the folder is named after. `root/CLASS/…`, or with the
 * parts above the classes: `root/train/CLASS/…`, `root/val/CLASS/…`, `root/test/CLASS/…`.
 */
import { Array as Arr, Effect, Result, Stream } from "effect"
import { readdir, realpath, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Reading } from "../../pipeline/corrections.ts"
import { count } from "../../pipeline/DataUnusable.ts"
import { byCodeUnit } from "../../pipeline/hashOrder.ts"
import type { Header } from "../../pipeline/Header.ts"
import { readHeader } from "../../pipeline/Header.ts"
import type { PathRefused } from "../../pipeline/ImageFiles.ts"
import { refuse } from "../../pipeline/Ledger.ts"
import type { Part } from "../../pipeline/Part.ts"
import { partNamed } from "../../pipeline/Part.ts"
import { report } from "../../pipeline/Progress.ts"
import { malformed, placed } from "../../pipeline/Row.ts"
import type { Listed } from "../../pipeline/Rows.ts"
import { fileMissing } from "../../pipeline/Rows.ts"
import { RowsError } from "../../pipeline/RowsError.ts"
import type { Seen, Wanted } from "../images/files/walk.ts"
import { begin, isImage, leftOut, pause, walk } from "../images/files/walk.ts"
import { systemFault } from "../storage/systemFault.ts"
import type { Source } from "./Source.ts"

/** Rows that are passed on at once. */
const mostAtOnce = 1000

/** Folders that are named. */
const shown = 5

/** Names that systems and archives put beside a person's own files: hidden ones, and what macOS packs with them. */
const isHidden = (name: string): boolean => name.startsWith(".") || name === "__MACOSX"

const named = (names: ReadonlyArray<string>): string =>
  names
    .slice(0, shown)
    .map((name) => JSON.stringify(name))
    .join(", ") + (names.length > shown ? ` and ${count(names.length - shown)} more` : "")

/** What a folder has: folders, and how many files that are not hidden. */
const look = async (folder: string) => {
  const folders: Array<string> = []
  let files = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isHidden(entry.name)) continue
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() &&
        (await stat(join(folder, entry.name)).then(
          (found) => found.isDirectory(),
          () => false
        )))
    if (isFolder) folders.push(entry.name)
    else files += 1
  }
  return { folders: folders.sort(byCodeUnit), files }
}

/** A folder of images of one class. */
interface ClassFolder {
  readonly label: string
  readonly part: Part | undefined
  /** Under the root. */
  readonly path: string
}

interface Layout {
  readonly classes: ReadonlyArray<ClassFolder>
  /** Names of the part folders. */
  readonly parts: ReadonlyArray<string>
  /** Files that lie beside the class folders. */
  readonly beside: number
}

const unreadable = (root: string, cause: unknown): RowsError => {
  const code = cause instanceof Error && "code" in cause ? cause.code : ""
  if (code === "ENOENT") return fileMissing(root, "folders")
  if (code === "ENOTDIR")
    return new RowsError({
      file: root,
      reason: "notAFile",
      detail: "this is a file, and `data.folders` reads a folder",
      cure: "Set `data.root` to the folder that has the class folders, or name the file in `data.csv`, `data.jsonl` or `data.parquet`."
    })
  return new RowsError({
    file: root,
    reason: "unreadable",
    detail: `the folder cannot be read: ${systemFault(cause).detail}`,
    cure: "Check that you may read it.",
    cause
  })
}

const noFolders = (root: string, files: number): RowsError =>
  new RowsError({
    file: root,
    reason: "noRows",
    detail: `there is no class folder in it${files === 0 ? "" : `, but ${count(files)} ${files === 1 ? "file" : "files"}`}`,
    cure: "Expected a folder of images for each class: CLASS/photo.jpg, or train/CLASS/photo.jpg; `data.csv` reads a list instead."
  })

const mixed = (root: string, parts: ReadonlyArray<string>, others: ReadonlyArray<string>): RowsError =>
  new RowsError({
    file: root,
    reason: "mixedFolders",
    detail: `some folders are named as parts (${named(parts)}) and others are not (${named(others)})`,
    cure: "Expected class folders alone, or train, val and test with the class folders below them: move or rename one kind."
  })

/** A name as a part folder has it; capitals make one only where all folders beside it are parts too. */
const isPart = (name: string): boolean => name === name.toLowerCase() && partNamed(name) !== undefined

const layoutOf = async (root: string): Promise<Layout | RowsError> => {
  const top = await look(root)
  const areParts = top.folders.length > 0 && top.folders.every((name) => partNamed(name) !== undefined)
  if (!areParts) {
    const parts = top.folders.filter(isPart)
    const others = top.folders.filter((name) => !isPart(name))
    if (parts.length > 0) return mixed(root, parts, others)
    if (others.length === 0) return noFolders(root, top.files)
    return {
      classes: others.map((label) => ({ label, part: undefined, path: label })),
      parts: [],
      beside: top.files
    }
  }
  const classes: Array<ClassFolder> = []
  let beside = top.files
  for (const name of top.folders) {
    const { files, folders } = await look(join(root, name))
    beside += files
    for (const label of folders) classes.push({ label, part: partNamed(name), path: `${name}/${label}` })
  }
  return classes.length === 0 ? noFolders(root, beside) : { classes, parts: top.folders, beside }
}

/** What a walk has left out because of its name. */
interface Hidden {
  files: number
}

const wantedOf = (hidden: Hidden): Wanted => {
  const wanted: Wanted = {
    file: (name) => {
      if (!isHidden(name)) return isImage(name)
      hidden.files += 1
      return false
    },
    folder: (name) => (isHidden(name) ? undefined : wanted),
    isDeep: true,
    // Hidden files are counted by themselves.
    isNoted: (name) => !isHidden(name),
    work: 1
  }
  return wanted
}

const reasons: Partial<Readonly<Record<PathRefused["reason"], "imageMissing" | "malformed">>> = {
  linkBroken: "imageMissing",
  nameNotUtf8: "malformed"
}

/** The rows of class folders, many at a time; `notes` are complete at the end. */
async function* rowsOf(
  root: string,
  { classes }: Layout,
  header: Header,
  withParts: boolean,
  seen: Seen,
  hidden: Hidden,
  empty: Array<string>
): AsyncGenerator<ReadonlyArray<Listed>> {
  const wanted = wantedOf(hidden)
  /** Characters of a path before what is under the root. */
  const before = join(root, "x").length - 1
  let line = 0
  let rows: Array<Listed> = []
  for (const { label: name, part, path } of classes) {
    const first = line
    const folder = name.trim()
    for await (const found of walk(join(root, path), wanted, seen)) {
      if (found === pause) {
        yield rows
        rows = []
        continue
      }
      line += 1
      if (Result.isFailure(found)) {
        const { detail, path, reason } = found.failure
        const refused = { line, id: path.slice(before), label: folder }
        rows.push(Result.fail(refuse(refused, reasons[reason] ?? "imageUnreadable", detail)))
      } else {
        const id = found.success.slice(before)
        const label = header.corrected?.get(id)?.get(header.columns[header.label] ?? "") ?? folder
        const was = label === folder ? {} : { was: folder }
        rows.push(
          /\p{Cc}/u.test(id)
            ? Result.fail(malformed(line, id, "the image's path has a line break or a control character"))
            : withParts
              ? Result.succeed({ line, id, label, ...was, image: id, ...(part !== undefined && { part }) })
              : placed(header, [id, label, part ?? ""], { line, id, label, ...was, image: id }, id)
        )
      }
      if (rows.length >= mostAtOnce) {
        yield rows
        rows = []
      }
    }
    if (line === first) empty.push(path)
  }
  yield rows
}

const counted = (n: number, one: string, several: string) => `${count(n)} ${n === 1 ? one : several}`

/** The columns that class folders have; fails where the configuration asks for others. */
const checkColumns = (root: string, config: Reading, hasParts: boolean) =>
  readHeader(["id", "label", ...(hasParts ? ["split"] : [])], { ...config, images: "{id}" }, root, [])

const readFolders = Effect.fnUntraced(function* (root: string, config: Reading) {
  const layout = yield* Effect.tryPromise({ try: () => layoutOf(root), catch: (cause) => unreadable(root, cause) })
  if (layout instanceof RowsError) return yield* layout
  const { beside, parts } = layout
  const header = yield* Effect.fromResult(checkColumns(root, config, parts.length > 0))
  const { by } = config.split
  const withParts = parts.length > 0 && (by === undefined || (typeof by === "object" && "column" in by))
  const note = (line: string) => report({ _tag: "Note", line: `${root}: ${line}` })
  if (withParts && config.split.by === undefined)
    yield* note(`the folders ${named(parts)} divide the images; \`data.split.by = "row"\` would divide them anew`)
  const seen = begin([yield* Effect.promise(() => realpath(root).catch(() => root))])
  const hidden: Hidden = { files: 0 }
  const empty: Array<string> = []
  const last = Effect.gen(function* () {
    if (empty.length > 0)
      yield* note(`no images in the class ${empty.length === 1 ? "folder" : "folders"} ${named(empty)}`)
    const left = [
      ...(hidden.files === 0 ? [] : [counted(hidden.files, "hidden file", "hidden files")]),
      ...(beside === 0 ? [] : [counted(beside, "file beside the class folders", "files beside the class folders")])
    ]
    const others = leftOut(seen)
    const all = [...left, ...(others === undefined ? [] : [others])]
    if (all.length > 0) yield* note(`left out ${all.join(", and ")}`)
    if (seen.found === 0)
      return yield* new RowsError({
        file: root,
        reason: "noRows",
        detail: `there are no images in its ${counted(layout.classes.length, "class folder", "class folders")}`,
        cure: "Expected JPEG, PNG, WebP, GIF, TIFF or AVIF files in a folder for each class."
      })
  })
  // Nothing that the disk says is thrown: it is an element of its own.
  return Stream.orDie(
    Stream.fromAsyncIterable(rowsOf(root, layout, header, withParts, seen, hidden, empty), (cause) => cause)
  ).pipe(Stream.concat(Stream.fromEffect(Effect.as(last, []))))
})

/** The images below a folder for each class, in the names' order; the notes say what of the folders was left out. */
export const folders: Source = {
  takes: (config) => config.folders === true,
  read: (root, config) =>
    Stream.unwrap(readFolders(root, config)).pipe(Stream.filter(Arr.isReadonlyArrayNonEmpty), Stream.flattenArray)
}
