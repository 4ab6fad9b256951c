import { Result } from "effect"
import { isUtf8 } from "node:buffer"
import { opendir, realpath, stat } from "node:fs/promises"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { byCodeUnit } from "../../../pipeline/hashOrder.ts"
import type { ImagePath } from "../../../pipeline/ImageFiles.ts"
import { PathRefused } from "../../../pipeline/ImageFiles.ts"
import { fileError } from "../../storage/atomicWrite.ts"

export const refused = (path: string, reason: PathRefused["reason"], detail: string): ImagePath =>
  Result.fail(new PathRefused({ path, reason, detail }))

/** Endings of files that may be read, whether or not all of their kind can be: JPEG, PNG, WebP, GIF, TIFF, HEIF. */
export const isImage = (name: string) =>
  /\.(?:jpe?g|jpe|jfif|jif|jfi|pjpe?g|pjp|png|apng|webp|gif|tiff?|avifs?|hei[cf]s?|hif)$/i.test(name)

export const notUtf8 = (what: "file" | "folder") => `the name's bytes are not UTF-8; give the ${what} another name`

/** Names of a folder that are read from the disk at once. */
const bufferSize = 1024

/** How many names are compared before signals are looked at. */
const mostAtOnce = 20_000

/** What stands behind a name where it is no file, so that a folder's names are strings alone: there may be many. */
const marks = { folder: "/", linkedFolder: "/\0", brokenLink: "\0", notUtf8: "\0\0", folderNotUtf8: "/\0\0" } as const

/** A name that is not UTF-8, each byte that is not ASCII as `\xff`. */
const byteName = (name: Buffer): string =>
  Array.from(name, (byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`)).join("")

/** The names in a folder in their order, each with its mark. */
const namesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  // Node's types do not know that names may be asked for as bytes.
  const entries = await opendir(folder, { bufferSize, encoding: "buffer" as BufferEncoding })
  for await (const entry of entries) {
    const bytes: unknown = entry.name
    if (!Buffer.isBuffer(bytes)) continue
    const name = bytes.toString()
    if (!isUtf8(bytes)) names.push(byteName(bytes) + (entry.isDirectory() ? marks.folderNotUtf8 : marks.notUtf8))
    else if (entry.isDirectory()) names.push(name + marks.folder)
    else if (entry.isSymbolicLink()) {
      const info = await stat(join(folder, name)).catch(() => undefined)
      names.push(name + (info === undefined ? marks.brokenLink : info.isDirectory() ? marks.linkedFolder : ""))
    } else names.push(name)
  }
  return names.sort(byCodeUnit)
}

/** What is wanted of a folder, and of those below it. */
export interface Wanted {
  readonly file: (name: string) => boolean
  /** What is wanted of a folder of this name; undefined for nothing. */
  readonly folder: (name: string) => Wanted | undefined
  /** Folders of any depth: a link may lead in a circle. */
  readonly isDeep: boolean
  /** Whether a file that is left out is worth a note: a pattern says itself what it wants. */
  readonly isNoted: (name: string) => boolean
  readonly work: number
}

/** Every image below a folder, by the names' endings. */
export const images: Wanted = { file: isImage, folder: () => images, isDeep: true, isNoted: () => true, work: 1 }

/** What a walk has seen beside its files. */
export interface Seen {
  found: number
  compared: number
  /** Files that are left out, by the endings of their names. */
  readonly endings: Map<string, number>
  /** Linked folders that are left out, for they are read elsewhere. */
  links: number
  /** Real paths of the folders that are read with all that is below them. */
  readonly roots: Array<string>
}

/** Nothing of a walk, so that it can be stopped between two folders or many names. */
export const pause = undefined

const isBelow = (path: string, root: string) => path === root || path.startsWith(root.endsWith("/") ? root : `${root}/`)

/** Whether a linked folder is read anyway, by its own name or another link; if not, it is from now on. */
const isReadElsewhere = async (folder: string, { roots }: Seen): Promise<boolean> => {
  const real = await realpath(folder).catch(() => undefined)
  // The link went after its folder was listed: the walk says why it cannot be read.
  if (real === undefined) return false
  if (roots.some((root) => isBelow(real, root))) return true
  roots.push(real)
  return false
}

const leaveOut = ({ endings }: Seen, name: string) => {
  const ending = /[^.](\.[^.\s]{1,12})$/.exec(name)?.[1]?.toLowerCase() ?? ""
  // A folder of a million endings is no reason to keep a million.
  const kind = endings.has(ending) || endings.size < 100 ? ending : "others"
  endings.set(kind, (endings.get(kind) ?? 0) + 1)
}

/** The wanted files below a folder, depth first; in memory are the names of the folders that are open, and no others. */
export async function* walk(folder: string, wanted: Wanted, seen: Seen): AsyncGenerator<ImagePath | typeof pause> {
  let names: ReadonlyArray<string>
  try {
    names = await namesIn(folder === "" ? "." : folder)
  } catch (cause) {
    seen.found += 1
    yield refused(folder, "folderUnreadable", `the folder cannot be read: ${fileError(folder, cause).detail}`)
    return
  }
  for (const marked of names) {
    seen.compared += wanted.work
    if (seen.compared > mostAtOnce) {
      seen.compared = 0
      await setImmediate()
      yield pause
    }
    const name = marked.replace(/[/\0]+$/, "")
    const mark = marked.slice(name.length)
    const path = join(folder, name)
    if (mark.startsWith("/")) {
      const inner = wanted.folder(name)
      if (inner === undefined) continue
      if (mark === marks.folderNotUtf8) {
        seen.found += 1
        yield refused(path, "nameNotUtf8", notUtf8("folder"))
      } else if (mark === marks.linkedFolder && inner.isDeep && (await isReadElsewhere(path, seen))) seen.links += 1
      else yield* walk(path, inner, seen)
    } else if (wanted.file(name)) {
      seen.found += 1
      if (mark === marks.brokenLink) yield refused(path, "linkBroken", "this link leads to no file")
      else if (mark === marks.notUtf8) yield refused(path, "nameNotUtf8", notUtf8("file"))
      else yield Result.succeed(path)
    } else if (wanted.isNoted(name)) leaveOut(seen, name)
  }
}

const counted = (count: number, one: string, several: string) => `${count} ${count === 1 ? one : several}`

/** What a walk left out, for people; undefined where that is nothing. */
export const leftOut = ({ endings, links }: Seen): string | undefined => {
  const files = [...endings.values()].reduce((sum, count) => sum + count, 0)
  const kinds = [...endings].sort(([a, n], [b, m]) => m - n || byCodeUnit(a, b))
  const shown = kinds.slice(0, 8).map(([ending, count]) => `${count} ${ending === "" ? "without an ending" : ending}`)
  const more = kinds.length > shown.length ? ", and others" : ""
  const parts = [
    ...(files === 0
      ? []
      : [
          `${counted(files, "file whose name does", "files whose names do")} not end as an image's (${shown.join(", ")}${more})`
        ]),
    ...(links === 0
      ? []
      : [`${counted(links, "linked folder that is", "linked folders that are")} read elsewhere or lead in a circle`])
  ]
  return parts.length === 0 ? undefined : parts.join(", and ")
}

/** A walk from a folder that has seen nothing yet. */
export const begin = (roots: ReadonlyArray<string>): Seen => ({
  found: 0,
  compared: 0,
  endings: new Map(),
  links: 0,
  roots: [...roots]
})
