import { Effect, Layer } from "effect"
import { ImageBytes } from "../../pipeline/ImageBytes.ts"
import { read } from "./DiskImageBytes.ts"
import type { ImageKind } from "./ImageKind.ts"
import { makeParquetImages } from "./ParquetImages.ts"
import { makeUrlImages } from "./UrlImages.ts"

/** Images of every kind: by the first that takes a path, and files on disk else. */
export const layer = Layer.effect(
  ImageBytes,
  Effect.gen(function* () {
    const kinds: ReadonlyArray<ImageKind> = [yield* makeUrlImages, yield* makeParquetImages]
    const kindOf = (path: string) => kinds.find(({ takes }) => takes(path))
    return {
      read: (path, most, within, urls) => (kindOf(path)?.read ?? read)(path, most, within, urls),
      isOnDisk: (path) => kindOf(path) === undefined
    }
  })
)
