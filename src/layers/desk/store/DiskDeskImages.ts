import { Effect, Layer, Option } from "effect"
import { createHash } from "node:crypto"
import { mkdir, readFile, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import { messageOf } from "../../../pipeline/messageOf.ts"
import { DeskImages, DeskImagesError } from "../../../run/serve/DeskImages.ts"
import { uploadPath } from "../../sources/corrections.ts"
import { atomicWrite } from "../../storage/atomicWrite.ts"

const failure = (what: string) => (cause: unknown) =>
  new DeskImagesError({ detail: `the uploaded image cannot be ${what} (${messageOf(cause)})`, cause })

const isMissing = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "ENOENT"

/** A digest and nothing else becomes a path. */
const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** Uploaded images in a folder: `ab/abcdef…`, by digest. Beside `desk.sqlite` it is called `images`, where training finds it. */
export const layer = (folder: string): Layer.Layer<DeskImages> => {
  const pathOf = (digest: string) => resolve(folder, uploadPath(digest))
  return Layer.succeed(DeskImages, {
    path: pathOf,
    put: Effect.fn("DeskImages.put")(function* (bytes) {
      const digest = createHash("sha256").update(bytes).digest("hex")
      const path = pathOf(digest)
      const size = yield* Effect.promise(() =>
        stat(path).then(
          (found) => found.size,
          () => -1
        )
      )
      // Written whole or not at all: what has its size has its bytes.
      if (size === bytes.byteLength) return digest
      yield* Effect.tryPromise({ try: () => mkdir(dirname(path), { recursive: true }), catch: failure("kept") })
      yield* Effect.mapError(atomicWrite(path, bytes), failure("kept"))
      return digest
    }),
    get: Effect.fn("DeskImages.get")(function* (digest) {
      if (!isDigest(digest)) return Option.none()
      return yield* Effect.tryPromise({
        try: () =>
          readFile(pathOf(digest)).then(
            (bytes) => Option.some<Uint8Array>(bytes),
            (cause: unknown) => (isMissing(cause) ? Option.none<Uint8Array>() : Promise.reject(cause))
          ),
        catch: failure("read")
      })
    })
  })
}
