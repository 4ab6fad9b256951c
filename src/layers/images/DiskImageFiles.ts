import { Effect, Layer, Result, Stream } from "effect"
import { realpath, stat } from "node:fs/promises"
import type { ImagePath } from "../../pipeline/ImageFiles.ts"
import { ImageFiles } from "../../pipeline/ImageFiles.ts"
import { report } from "../../pipeline/Progress.ts"
import type { Glob } from "./files/glob.ts"
import { glob, isPattern } from "./files/glob.ts"
import { spelledOnDisk } from "./files/spelledOnDisk.ts"
import type { Wanted } from "./files/walk.ts"
import { begin, images, leftOut, notUtf8, pause, refused, walk } from "./files/walk.ts"

const matching = (pattern: Glob): Wanted => ({
  file: (name) => pattern.below(name).isWhole,
  folder: (name) => {
    const below = pattern.below(name)
    return below.goesOn ? matching(below) : undefined
  },
  isDeep: pattern.isDeep,
  isNoted: () => false,
  work: pattern.work
})

/** A walk that says where it found nothing, and what it left out. */
async function* walkOr(
  base: string,
  wanted: Wanted,
  nothing: (left: string | undefined) => ImagePath,
  note: (left: string) => void
): AsyncGenerator<ImagePath | typeof pause> {
  const root = await realpath(base === "" ? "." : base).catch(() => base)
  const seen = begin(wanted.isDeep ? [root] : [])
  yield* walk(base, wanted, seen)
  const left = leftOut(seen)
  if (seen.found === 0) yield nothing(left)
  else if (left !== undefined) note(left)
}

/** The folder that a pattern begins with, as long as there is one of just that name, and the rest. */
const partsOf = async (pattern: string): Promise<{ readonly base: string; readonly rest: string }> => {
  const segments = pattern.split("/")
  let count = 0
  while (count < segments.length - 1) {
    const begun = segments.slice(0, count + 1).join("/")
    if (isPattern(segments[count] ?? "") && (await stat(begun).catch(() => undefined))?.isDirectory() !== true) break
    count++
  }
  return { base: segments.slice(0, count).join("/") || (count === 0 ? "" : "/"), rest: segments.slice(count).join("/") }
}

/** A path as the disk has it; as it is where there is none. */
const spelled = async (path: string): Promise<string> =>
  (await stat(path).then(
    () => path,
    () => spelledOnDisk(path)
  )) ?? path

/** As the service's `find`; `pause` between, and `note` is given what was left out. */
export async function* find(path: string, note: (left: string) => void): AsyncGenerator<ImagePath | typeof pause> {
  const here = await spelled(path)
  const info = await stat(here).catch(() => undefined)
  if (info?.isDirectory() === true)
    yield* walkOr(
      here,
      images,
      (left) =>
        refused(
          here,
          "noImages",
          `there are no images in this folder${left === undefined ? "" : `; left out: ${left}`}`
        ),
      (left) => note(`${here}: left out ${left}`)
    )
  else if (info === undefined && isPattern(path)) {
    const { base, rest } = await partsOf(path)
    const pattern = glob(rest)
    if (Result.isFailure(pattern)) yield refused(path, "patternRefused", pattern.failure)
    else
      yield* walkOr(
        base === "" ? "" : await spelled(base),
        matching(pattern.success),
        () => refused(path, "noMatch", "no file matches this pattern"),
        (left) => note(`${path}: left out ${left}`)
      )
  } else if (info === undefined && path.includes("\ufffd")) yield refused(path, "nameNotUtf8", notUtf8("file"))
  else yield Result.succeed(here)
}

/** Files and folders on disk. */
export const layer = Layer.succeed(ImageFiles, {
  find: (path) =>
    Stream.suspend(() => {
      const notes: Array<string> = []
      // Nothing that the disk says is thrown: it is an element of its own.
      return Stream.orDie(
        Stream.fromAsyncIterable(
          find(path, (left) => notes.push(left)),
          (cause) => cause
        )
      ).pipe(
        Stream.filter((found) => found !== pause),
        Stream.concat(
          Stream.drain(
            Stream.fromEffect(Effect.suspend(() => Effect.forEach(notes, (line) => report({ _tag: "Note", line }))))
          )
        )
      )
    })
})
