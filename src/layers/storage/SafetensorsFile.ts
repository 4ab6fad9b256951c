import { Effect, Result } from "effect"
import type { FileHandle } from "node:fs/promises"
import { open, stat } from "node:fs/promises"
import type { Header, Listing } from "../../model/safetensors.ts"
import { endOfHeader, lengthBytes, readerOf, readHeader, SafetensorsError } from "../../model/safetensors.ts"
import type { Tensor, Weights } from "../../model/Tensor.ts"
import { sizeOf } from "../../model/Tensor.ts"
import { kindBytes } from "../../model/weightsKind.ts"
import { fileError } from "./atomicWrite.ts"

/** Bytes that are read at once: the largest buffer beside the tensors. */
const chunkBytes = 1 << 22

/** Fills `bytes` from the file's `position` on; fails where the file has become shorter meanwhile. */
const fill = async (handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> => {
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(chunkBytes, bytes.length - done)
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

/** A tensor, straight into its own memory where it is float32, else converted chunk by chunk. */
const tensorOf = async (handle: FileHandle, listing: Listing): Promise<Tensor> => {
  const { from, shape, to } = listing
  const { convert, size } = Result.getOrThrow(readerOf(listing))
  const data = new Float32Array(sizeOf(shape))
  if (size === data.BYTES_PER_ELEMENT) await fill(handle, new Uint8Array(data.buffer), from)
  else {
    const chunk = new Uint8Array(Math.min(chunkBytes, to - from))
    for (let at = from; at < to; at += chunk.length) {
      const bytes = chunk.subarray(0, Math.min(chunk.length, to - at))
      await fill(handle, bytes, at)
      convert(bytes, data, (at - from) / size)
    }
  }
  return { shape, data }
}

/** Devices and pipes are not opened: they may have no end, and opening a pipe cannot be interrupted. */
const openFile = async (path: string): Promise<FileHandle> => {
  const found = await stat(path)
  if (!found.isFile() && !found.isDirectory())
    throw new SafetensorsError({ reason: "otherKind", detail: "this is a device or a pipe, not a safetensors file" })
  return open(path)
}

/** Opens a file for `use`, and always closes it; fails with a FileError or a SafetensorsError. */
const withFile = <A>(path: string, use: (handle: FileHandle) => Promise<A>) => {
  const fail = (cause: unknown) => (cause instanceof SafetensorsError ? cause : fileError(path, cause))
  return Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => openFile(path), catch: fail }),
    (handle) => Effect.tryPromise({ try: () => use(handle), catch: fail }),
    (handle) => Effect.ignore(Effect.tryPromise(() => handle.close()))
  )
}

/** A safetensors file's header, checked against the file's length. */
export const fileHeader = Effect.fn("fileHeader")((path: string) => withFile(path, headerOf))

/**
 * The tensors of a safetensors file that have these names, as float32, in the order of their bytes.
 *
 * No tensor is in memory twice: reading takes 4 MiB beside the tensors.
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
