import { Effect, Layer, Option } from "effect"
import { access, mkdir, readFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { DeskImages, DeskImagesError } from "../../../run/serve/DeskImages.ts"
import { digestOf } from "../../images/digest.ts"
import { atomicWrite } from "../../storage/atomicWrite.ts"

const failed = (what: string) => (cause: unknown) =>
  new DeskImagesError({ detail: `${what}: ${messageOf(cause)}`, cause })

const isMissing = (cause: unknown) => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** Uploads as files, `FOLDER/ab/abcd….`: two digits of the digest, and all of it. An image's name is no part of it. */
export const layer = (folder: string) => {
  const root = resolve(folder)
  const pathOf = (digest: string) => join(root, digest.slice(0, 2), digest)
  return Layer.succeed(DeskImages, {
    path: pathOf,
    put: Effect.fnUntraced(function* (bytes) {
      const digest = digestOf(bytes)
      const path = pathOf(digest)
      const isThere = yield* Effect.promise(() =>
        access(path).then(
          () => true,
          () => false
        )
      )
      if (isThere) return digest
      yield* Effect.tryPromise({ try: () => mkdir(dirname(path), { recursive: true }), catch: failed(path) })
      yield* Effect.mapError(atomicWrite(path, bytes), failed(path))
      return digest
    }),
    get: (digest) =>
      Effect.tryPromise({
        try: () =>
          readFile(pathOf(digest)).then(Option.some<Uint8Array>, (cause: unknown) => {
            if (isMissing(cause)) return Option.none<Uint8Array>()
            throw cause
          }),
        catch: failed(pathOf(digest))
      })
  })
}
