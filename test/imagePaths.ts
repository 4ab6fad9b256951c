import { Result, Stream } from "effect"
import type { FileBatch } from "../src/pipeline/batches.ts"
import type { ImagePath } from "../src/pipeline/ImageFiles.ts"

/** Paths as a stream of files. */
export const imagePaths = (paths: ReadonlyArray<string>): Stream.Stream<ImagePath> =>
  Stream.fromArray(paths.map((path) => Result.succeed(path)))

/** Those of a batch that were refused, and why. */
export const refusedOf = (batch: FileBatch | undefined) => batch?.files.flatMap(({ refused }) => refused ?? []) ?? []
