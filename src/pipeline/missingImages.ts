import { Effect, Result } from "effect"
import type { DataConfig } from "./DataConfig.ts"
import { count, DataUnusable } from "./DataUnusable.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { Row } from "./Row.ts"
import { parquetCell } from "./parquetCell.ts"
import { pathUnder } from "./Rows.ts"

/** Rows whose other paths are tried. */
const tried = 3

const endings = ["jpg", "jpeg", "png", "webp", "avif", "gif", "tif", "tiff", "JPG", "JPEG", "PNG"]

/** Other names that a photo often has: another ending or case, the ending twice or not at all. */
const variants = (path: string): ReadonlyArray<string> => {
  const at = path.lastIndexOf("/") + 1
  const folder = path.slice(0, at)
  const name = path.slice(at)
  const ending = /\.\w{2,5}$/.exec(name)?.[0] ?? ""
  const stem = name.slice(0, name.length - ending.length)
  const names = [
    ...(/\.\w{2,5}$/.test(stem) ? [stem] : []),
    ...endings.map((other) => `${stem}.${other}`),
    ...endings.map((other) => `${name}.${other}`),
    stem,
    `${stem}${ending.toLowerCase()}`,
    name.toLowerCase(),
    name.toUpperCase(),
    `${stem.toLowerCase()}${ending}`,
    `${stem.toUpperCase()}${ending}`
  ]
  // The file's name alone: the column may have the folder already, or lack it.
  const folders = [name, folder.replace(/([^/]+)\/\1\//, "$1/") + name]
  return [...new Set([...names.map((other) => folder + other), ...folders])].filter((other) => other !== path)
}

const isUrl = (path: string) => /(^|\/)\w[\w+.-]*:\/\//.test(path)
const isAbsolute = (path: string) => /^([/\\]|[a-z]:[/\\])/i.test(path)
const isWindows = (path: string) => !path.includes("/") && path.includes("\\")
const isTwice = (path: string) => /(\.(jpe?g|png|webp|gif|tiff?|avif))\1$/i.test(path)

/** What the paths themselves show: one sentence and its cure. */
const byText = (rows: ReadonlyArray<Row>, data: DataConfig): readonly [what: string, cure: string] | undefined => {
  // A cell may stand behind a folder that `data.images` names.
  const from = data.images.split("{")[0]?.length ?? 0
  const all = (holds: (path: string) => boolean) => rows.every(({ image }) => holds(image) || holds(image.slice(from)))
  if (data.urls === undefined && all(isUrl))
    return [
      "these are URLs",
      'Allow their host in `data.urls`, such as `hosts = ["cdn.example.com"]`, or download the photos and name the files.'
    ]
  if (rows.every(({ image }) => parquetCell(image) !== undefined))
    return ["these rows have no bytes in the column", "Check which column has the images; `data.images` names it."]
  if (all(isAbsolute))
    return [
      "these are absolute paths",
      "Write paths relative to `data.root` in the list, and `data.images` without a folder."
    ]
  if (all(isWindows)) return ["these are paths with backslashes", "Write them with slashes: folder/photo.jpg."]
  return undefined
}

/** Whether a path says by itself that it is no file under `data.root`. */
export const isForeign = (row: Row, data: DataConfig): boolean => byText([row], data) !== undefined

/** `data.images` such that it gives `to` where it gives `from`; none where the names differ otherwise. */
const imagesAs = (images: string, from: string, to: string): string | undefined => {
  if (to.startsWith(from)) return images + to.slice(from.length)
  const folder = from.slice(0, from.length - to.length)
  if (from.endsWith(to) && images.startsWith(folder) && images.length > folder.length)
    return images.slice(folder.length)
  let begin = 0
  while (begin < from.length && from[begin] === to[begin]) begin += 1
  const before = from.slice(begin)
  return images.endsWith(before) && !before.includes("}")
    ? images.slice(0, -before.length) + to.slice(begin)
    : undefined
}

/** A photo that is there under another name, and the name. */
const findVariant = Effect.fnUntraced(function* (root: string, rows: ReadonlyArray<Row>, image: ImageConfig) {
  const images = yield* Images
  for (const row of rows.slice(0, tried))
    for (const other of variants(row.image)) {
      const found = yield* Effect.result(images.check(pathUnder(root, other), image))
      if (Result.isSuccess(found)) return { row, other }
    }
  return undefined
})

/** The folder of a file's path. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** Whether there is something at a folder's path, which is no image. */
export const isFolder = (images: Images["Service"], folder: string, image: ImageConfig): Effect.Effect<boolean> =>
  Effect.map(
    Effect.result(images.check(folder, image)),
    (found) => Result.isSuccess(found) || found.failure.reason !== "imageMissing"
  )

/**
 * Why all or most photos of a catalogue cannot be found, in one sentence; `missing` are the rows without one, of so many
 * that were looked at. Tries a few other names, to tell which one is right.
 */
export const missingImages = Effect.fn("missingImages")(function* (options: {
  readonly root: string
  readonly file: string
  readonly missing: ReadonlyArray<Row>
  readonly looked: number
  readonly listed: number
  readonly data: DataConfig
  readonly image: ImageConfig
}) {
  const { data, file, image, listed, looked, missing, root } = options
  const [first] = missing
  const path = pathUnder(root, first?.image ?? "")
  const scope = `${count(looked)} ${looked === 1 ? "photo" : "photos"} looked at (of ${count(listed)} listed rows)`
  const none =
    missing.length === looked
      ? `none of the ${scope} can be found`
      : `${count(missing.length)} of the ${scope} cannot be found`
  const unusable = (detail: string, cure: string) =>
    new DataUnusable({ reason: "imagesMissing", detail: `${file}: ${none}: ${detail}`, cure })
  const shown = JSON.stringify(first?.image ?? "")
  const text = byText(missing, data)
  if (text !== undefined) return unusable(`${text[0]}, such as ${shown}`, text[1])
  const variant = yield* findVariant(root, missing, image)
  if (variant !== undefined) {
    const images = imagesAs(data.images, variant.row.image, variant.other)
    return unusable(
      `there is no ${JSON.stringify(variant.row.image)} (line ${variant.row.line}), but there is ${JSON.stringify(variant.other)}`,
      images === undefined
        ? "Make the names in the list, `data.images` and the files' own the same."
        : `Set \`data.images = ${JSON.stringify(images)}\`.`
    )
  }
  const folder = folderOf(path)
  if (missing.every(({ image }) => isTwice(image)))
    return unusable(
      `each name ends twice, such as ${shown}`,
      "Take the ending out of `data.images`, as the column has it already."
    )
  return (yield* isFolder(yield* Images, folder, image))
    ? unusable(`the first would be ${path}`, "Check `data.root`, `data.images`, and which column names the files.")
    : unusable(`there is no folder ${folder}`, "Check `data.root` and `data.images`; are the photos unpacked there?")
})
