import { Context, Schema } from "effect"
import type { Result, Stream } from "effect"

/** A path that stands for no image: which one, and why. */
export class PathRefused extends Schema.TaggedError<PathRefused>()("PathRefused", {
  path: Schema.String,
  reason: Schema.Literals([
    "folderUnreadable",
    "noImages",
    "noMatch",
    "patternRefused",
    "linkBroken",
    "nameNotUtf8",
    "listUnreadable"
  ]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/** An image file, which may turn out to be none; or a path that stands for no file. */
export type ImagePath = Result.Result<string, PathRefused>

/** Finds image files by what a person names. */
export class ImageFiles extends Context.Service<
  ImageFiles,
  {
    /**
     * The files that a path stands for, one after the other, in the names' order within each folder.
     *
     * A folder stands for the images in it and below (by their names' endings), a pattern (`*`, `?`, `[…]`, `{…}`, `**`)
     * for the files that it matches, and any other path for itself; a file or folder of just that name goes before a
     * pattern. Links to folders are followed, unless what they lead to is read anyway. What of a folder is left out is
     * reported in a note. Every path gives one element at least; a folder that cannot be read is an element, and not the
     * end.
     */
    readonly find: (path: string) => Stream.Stream<ImagePath>
  }
>()("weft/pipeline/ImageFiles") {}
