import { Result } from "effect"
import type { CatalogueUnclear, Place } from "./CatalogueFiles.ts"
import { count } from "./DataUnusable.ts"
import type { Guess } from "./guessCatalogue.ts"
import { quoted, unclear } from "./guessCatalogue.ts"
import { partNamed } from "./Part.ts"

const layout =
  "Expected a folder of images for each class (CLASS/photo.jpg), or train/CLASS/photo.jpg, or a list (CSV, JSON lines, Parquet) beside the images."

/** The first part of a path, and what is behind it. */
const headOf = (path: string): readonly [string, string] => {
  const at = path.indexOf("/")
  return at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)]
}

/** Class folders, with part folders above them or without. */
export const guessFolders = ({ folders, named, others, root }: Place): Result.Result<Guess, CatalogueUnclear> => {
  const inRoot = folders.find(({ path }) => path === "")?.images ?? 0
  const below = folders.filter(({ images, path }) => path !== "" && images > 0)
  const tops = [...new Set(folders.filter(({ path }) => path !== "").map(({ path }) => headOf(path)[0]))]
  const areParts = tops.length > 0 && tops.every((name) => partNamed(name) !== undefined)
  const classes = new Set(
    below.flatMap(({ path }) => {
      const [first, rest] = headOf(path)
      if (!areParts) return [first]
      return rest === "" ? [] : [headOf(rest)[0]]
    })
  )
  const [only] = classes
  if (classes.size > 1)
    return Result.succeed({
      data: { root, folders: true },
      line: (classes) => `class folders${areParts ? ` in ${tops.join(", ")}` : ""}; ${count(classes)} classes`
    })
  if (only !== undefined)
    return Result.fail(
      unclear(
        named,
        "classes",
        `there is one folder of images only, \`${only}\`, and a classifier needs two classes`,
        layout
      )
    )
  if (areParts && below.length > 0)
    return Result.fail(
      unclear(named, "classes", `the images lie right in ${quoted(tops)}, and no folder says their class`, layout)
    )
  if (inRoot > 0)
    return Result.fail(
      unclear(named, "classes", `there are ${count(inRoot)} photos in it, and nothing says their classes`, layout)
    )
  const seen = others.length > 0 ? `; there ${others.length === 1 ? "is" : "are"} ${quoted(others, 4)}` : ""
  return Result.fail(unclear(named, "empty", `there are no images and no list in it${seen}`, layout))
}
