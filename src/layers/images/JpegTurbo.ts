import { readFileSync } from "node:fs"
import { createRequire } from "node:module"

/** What `jpeg-turbo.wasm` exports: memory and TurboJPEG 2.0's decoder. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly malloc: (bytes: number) => number
  readonly free: (at: number) => void
  readonly tjInitDecompress: () => number
  readonly tjDestroy: (handle: number) => number
  readonly tjDecompressHeader3: (
    handle: number,
    jpeg: number,
    bytes: number,
    width: number,
    height: number,
    subsampling: number,
    space: number
  ) => number
  readonly tjDecompress2: (
    handle: number,
    jpeg: number,
    bytes: number,
    to: number,
    width: number,
    pitch: number,
    height: number,
    format: number,
    flags: number
  ) => number
}

/** TurboJPEG's number of the pixel formats RGB and CMYK, and of the colour spaces CMYK and YCCK. */
const formats = { rgb: 0, cmyk: 11 }
const inks = [3, 4]

/** A decoded JPEG, or libjpeg's first complaint about it: an error, or the warning that it goes on after. */
export type Turbo =
  | { readonly height: number; readonly width: number; readonly data: Uint8Array }
  | { readonly complaint: string }

const module = () =>
  new WebAssembly.Module(
    readFileSync(createRequire(import.meta.url).resolve("@cwasm/jpeg-turbo/jpeg-turbo.wasm")) as BufferSource
  )

/** libjpeg ends with `longjmp` at an error. Nothing of the instance can be used afterwards. */
class Ended extends Error {}

/** What the message says before anything was said. */
const silence = "No error\0"

interface Instance {
  readonly it: Exports
  /** Where libjpeg writes its message: of warnings the first, of errors the last. */
  readonly messageAt: number
}

const instantiate = (compiled: WebAssembly.Module): Instance => {
  const ended = () => {
    throw new Ended()
  }
  const { exports } = new WebAssembly.Instance(compiled, {
    env: { setjmp: () => 0, longjmp: ended },
    wasi_snapshot_preview1: {
      environ_sizes_get: () => 0,
      environ_get: ended,
      proc_exit: ended,
      fd_close: ended,
      fd_seek: ended,
      fd_write: ended
    }
  })
  const it = exports as unknown as Exports // what the pinned file exports; a test decodes with it
  // Constants stand before variables, and the message is among these.
  return { it, messageAt: Buffer.from(it.memory.buffer).lastIndexOf(silence, undefined, "latin1") }
}

/** Above this, an instance's memory is not kept for the next image. */
const mostMemory = 2 ** 26

/**
 * libjpeg-turbo in WebAssembly, from `@cwasm/jpeg-turbo`: decodes in the calling thread, and has its complaints about one
 * file in one place, where libvips has a single buffer of messages for all threads.
 *
 * The package's own `decode` gives RGBA only, leaks at each error and goes on with a stack that was never unwound; so its
 * file is used directly, and an instance in which libjpeg has ended is thrown away. `@jsquash/jpeg` (as fast, better kept)
 * gives what a cut file has and tells nobody; a decoder of our own in TypeScript was 490 lines and took 1.7 times as long.
 * Pixels equal sharp's, but for damaged coefficients that overflow the 16 bits of sharp's SIMD code.
 * See `bench/RESULTS.md`.
 */
export class JpegTurbo {
  readonly #module = module()
  #instance: Instance | undefined

  /** RGB pixels at full size. */
  decode(bytes: Uint8Array): Turbo {
    return this.#run(bytes, 1)
  }

  /** What libjpeg says of a JPEG after decoding all its data, at an eighth of the size; undefined if nothing. */
  complaint(bytes: Uint8Array): string | undefined {
    const found = this.#run(bytes, 8)
    return "complaint" in found ? found.complaint : undefined
  }

  #run(bytes: Uint8Array, shrink: number): Turbo {
    const { it, messageAt } = (this.#instance ??= instantiate(this.#module))
    const handle = it.tjInitDecompress()
    new Uint8Array(it.memory.buffer).set(Buffer.from(silence, "latin1"), messageAt)
    const message = () => {
      const memory = Buffer.from(it.memory.buffer)
      return memory.toString("latin1", messageAt, memory.indexOf(0, messageAt))
    }
    const allocated: Array<number> = []
    const allocate = (size: number) => {
      const at = it.malloc(size)
      if (at === 0) throw new Ended()
      allocated.push(at)
      return at
    }
    try {
      const jpeg = allocate(bytes.length)
      new Uint8Array(it.memory.buffer).set(bytes, jpeg)
      const facts = allocate(16)
      if (it.tjDecompressHeader3(handle, jpeg, bytes.length, facts, facts + 4, facts + 8, facts + 12) !== 0)
        return { complaint: message() }
      const [fullWidth = 0, fullHeight = 0, , space = 0] = new Uint32Array(it.memory.buffer, facts, 4)
      const [width, height] = [Math.ceil(fullWidth / shrink), Math.ceil(fullHeight / shrink)]
      const channels = inks.includes(space) ? 4 : 3
      const format = channels === 4 ? formats.cmyk : formats.rgb
      const to = allocate(width * height * channels)
      if (it.tjDecompress2(handle, jpeg, bytes.length, to, width, width * channels, height, format, 0) !== 0)
        return { complaint: message() }
      return { height, width, data: new Uint8Array(it.memory.buffer, to, width * height * channels).slice() }
    } catch (error) {
      this.#instance = undefined
      if (error instanceof Ended || error instanceof WebAssembly.RuntimeError) return { complaint: message() }
      throw error
    } finally {
      if (this.#instance !== undefined) {
        for (const at of allocated) it.free(at)
        it.tjDestroy(handle)
        if (it.memory.buffer.byteLength > mostMemory) this.#instance = undefined
      }
    }
  }
}
