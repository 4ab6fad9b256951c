import { Context, Schema } from "effect"
import type { Result, Stream } from "effect"

/** A path that names no image: which one, and why. */
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

/** A file that may be an image, or a path that names no file. */
export type ImagePath = Result.Result<string, PathRefused>

/** Finds image files by the paths that a person names. */
export class ImageFiles extends Context.Service<
  ImageFiles,
  {
    /**
     * The files that a path stands for, one after the other, in the names' order within each folder.
     *
     * A folder stands for the images in it and below (by their names' endings), a pattern (`*`, `?`, `[…]`, `{…}`,
     * `**`) for the files that it matches, and any other path for itself; a file or folder of just that name goes
     * before a pattern. Links to folders are followed, unless their target is read anyway. A note reports what is left
     * out of a folder. Every path gives at least one element; a folder that cannot be read is an element, and does not
     * end the stream.
     */
    readonly find: (path: string) => Stream.Stream<ImagePath>
  }
>()("weft/pipeline/ImageFiles") {}
