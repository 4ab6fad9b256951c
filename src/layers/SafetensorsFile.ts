import { Effect, Result } from "effect"
import type { FileHandle } from "node:fs/promises"
import { open } from "node:fs/promises"
import type { Header, Listing } from "../model/safetensorsHeader.ts"
import { endOfHeader, lengthBytes, readHeader, SafetensorsError } from "../model/safetensorsHeader.ts"
import type { Tensor, Weights } from "../model/Tensor.ts"
import { sizeOf } from "../model/Tensor.ts"
import { readerOf } from "../model/tensorReader.ts"
import { kindBytes } from "../model/weightsKind.ts"
import { fileError } from "./atomicWrite.ts"

/** Bytes that are read at once: nothing larger than this is held beside the tensors. */
const pieceBytes = 1 << 22

/** Fills `bytes` from the file's `position` on; a file that has been cut since is no reason to wait. */
const fill = async (handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(pieceBytes, bytes.length - done)
    const { bytesRead } = await handle.read(bytes, done, length, position + done)
    if (bytesRead === 0)
      throw new SafetensorsError({
        reason: "truncated",
        detail: `the file ends at ${position + done} while it is read`
      })
    done += bytesRead
  }
}

const headerOf = async (handle: FileHandle): Promise<Header> => {
  const { size } = await handle.stat()
  const begin = new Uint8Array(Math.min(kindBytes, size))
  await fill(handle, begin, 0)
  const header = new Uint8Array(Result.getOrThrow(endOfHeader(begin, size)) - lengthBytes)
  await fill(handle, header, lengthBytes)
  return Result.getOrThrow(readHeader(header, size))
}

/** A tensor, straight into its own memory where it is float32, else converted piece by piece. */
const tensorOf = async (handle: FileHandle, listing: Listing): Promise<Tensor> => {
  const { from, shape, to } = listing
  const { convert, size } = Result.getOrThrow(readerOf(listing))
  const data = new Float32Array(sizeOf(shape))
  if (size === data.BYTES_PER_ELEMENT) await fill(handle, new Uint8Array(data.buffer), from)
  else {
    const piece = new Uint8Array(Math.min(pieceBytes, to - from))
    for (let at = from; at < to; at += piece.length) {
      const bytes = piece.subarray(0, Math.min(piece.length, to - at))
      await fill(handle, bytes, at)
      convert(bytes, data, (at - from) / size)
    }
  }
  return { shape, data }
}

/** Opens a file, and closes it whatever comes of `use`; fails with a FileError or a SafetensorsError. */
const withFile = <A>(path: string, use: (handle: FileHandle) => Promise<A>) => {
  const fail = (cause: unknown) => (cause instanceof SafetensorsError ? cause : fileError(path, cause))
  return Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => open(path), catch: fail }),
    (handle) => Effect.tryPromise({ try: () => use(handle), catch: fail }),
    (handle) => Effect.ignore(Effect.tryPromise(() => handle.close()))
  )
}

/** A safetensors file's header, checked against the file's length. */
export const fileHeader = Effect.fn("fileHeader")((path: string) => withFile(path, headerOf))

/**
 * The tensors of a safetensors file that have these names, as float32, in the order of their bytes.
 *
 * A tensor is never in memory twice: what it takes is its own size and 4 MiB.
 */
export const fileTensors = Effect.fn("fileTensors")((path: string, names: ReadonlySet<string>) =>
  withFile(path, async (handle): Promise<Weights> => {
    const { listings } = await headerOf(handle)
    const tensors = new Map<string, Tensor>()
    for (const listing of listings)
      if (names.has(listing.name)) tensors.set(listing.name, await tensorOf(handle, listing))
    return tensors
  })
)
