import { messageOf } from "../../pipeline/messageOf.ts"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { Effect, Stream } from "effect"
import { Tar } from "effect/encoding"
import { createReadStream } from "node:fs"
import { mkdir, open, symlink } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { backendError, BackendError } from "./BackendError.ts"
import { isKept } from "./kept.ts"
import { withProgress } from "../hub/download/Transfer.ts"
import { extract, readText, withZip } from "./Zip.ts"

const damaged = (path: string, cause: unknown): BackendError => {
  const error = backendError(basename(path), cause)
  if (error.reason !== "failed") return error
  return new BackendError({
    reason: "damaged",
    detail: `${basename(path)} cannot be unpacked: ${messageOf(cause)}`,
    cure: "What was fetched is thrown away: run the command again. Of a file of your own, take another copy."
  })
}

/** The hashes that a wheel's RECORD has of its files. Source: PEP 376, PEP 427. */
const recordedHashes = (record: string): ReadonlyMap<string, string> =>
  new Map(
    record.split("\n").flatMap((line) => {
      const found = /^"?([^",]+)"?,sha256=([A-Za-z0-9_-]+)=*,/.exec(line)
      return found === null ? [] : [[found[1]!, found[2]!] as const]
    })
  )

/**
 * Unpacks a wheel's libraries and headers, each checked against the wheel's own record; its METADATA, or "" where it
 * has none.
 */
export const unpackWheel = Effect.fn("unpackWheel")(function* (path: string, folder: string) {
  return yield* withProgress(`unpacking ${basename(path)}`, (onBytes) =>
    Effect.tryPromise({
      try: (signal) =>
        withZip(path, async (zip) => {
          const text = async (name: RegExp) => {
            const entry = zip.entries.find(({ fileName }) => name.test(fileName))
            return entry === undefined ? "" : readText(zip, entry)
          }
          const hashes = recordedHashes(await text(/^[^/]+\.dist-info\/RECORD$/))
          const kept = zip.entries.filter(({ fileName }) => isKept(fileName))
          const total = kept.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0)
          let done = 0
          onBytes(done, total)
          for (const entry of kept) {
            const before = done
            const hash = await extract(zip, entry, folder, (size) => onBytes(before + size, total), signal)
            const expected = hashes.get(entry.fileName)
            if (expected !== undefined && expected !== hash) throw new Error(`the hash of ${entry.fileName} is another`)
            done += entry.uncompressedSize
          }
          return await text(/^[^/]+\.dist-info\/METADATA$/)
        }),
      catch: (cause) => damaged(path, cause)
    })
  )
})

/** Unpacks the libraries and headers of a `.tar.gz`; links that lead out of their folder are left out. */
export const unpackArchive = Effect.fn("unpackArchive")(function* (path: string, folder: string) {
  const fail = (cause: unknown) => damaged(path, cause)
  yield* withProgress(`unpacking ${basename(path)}`, (onBytes) => {
    let done = 0
    /** Only to a neighbour: libtensorflow.so to libtensorflow.so.2. */
    const link = ({ linkTarget }: Tar.Header, target: string) =>
      Effect.tryPromise({
        try: async () => {
          await mkdir(dirname(target), { recursive: true })
          await symlink(linkTarget ?? "", target)
        },
        catch: fail
      })
    return NodeStream.fromReadable<Uint8Array, BackendError>({
      evaluate: () => {
        const gunzip = createGunzip({ chunkSize: 1 << 20 })
        pipeline(createReadStream(path), gunzip).catch(() => {}) // the stream that is read tells of it
        return gunzip
      },
      onError: fail
    }).pipe(
      Stream.pipeThroughChannel(Tar.decode<BackendError>()),
      Stream.mapError((error) => (error instanceof BackendError ? error : fail(error))),
      Stream.runForEach(({ body, header }) => {
        const name = header.path.replace(/^\.\//, "")
        if (!isKept(name)) return Effect.void
        const target = join(folder, name)
        if (header.type === "Symlink") return header.linkTarget?.includes("/") ? Effect.void : link(header, target)
        if (header.type !== "File") return Effect.void
        return Effect.acquireUseRelease(
          Effect.tryPromise({
            try: async () => {
              await mkdir(dirname(target), { recursive: true })
              return open(target, "w")
            },
            catch: fail
          }),
          (handle) =>
            Stream.runForEach(Stream.mapError(body, fail), (chunk) =>
              Effect.tryPromise({
                try: async () => {
                  await handle.writeFile(chunk) // all of it: `write` may stop in the middle where the disk is full
                  done += chunk.length
                  onBytes(done, undefined)
                },
                catch: fail
              })
            ).pipe(Effect.andThen(Effect.tryPromise({ try: () => handle.sync(), catch: fail }))),
          (handle) => Effect.ignore(Effect.tryPromise(() => handle.close()))
        )
      })
    )
  })
})
