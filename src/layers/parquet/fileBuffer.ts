import type { AsyncBuffer } from "hyparquet"
import type { FileHandle } from "node:fs/promises"

/** An open file as what a ParquetFile reads. */
export const fileBuffer = (handle: FileHandle, size: number): AsyncBuffer => ({
  byteLength: size,
  slice: async (start, end = size) => {
    const bytes = new Uint8Array(end - start)
    let done = 0
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done)
      if (bytesRead === 0) throw new Error("the file became shorter while it was read")
      done += bytesRead
    }
    return bytes.buffer
  }
})
