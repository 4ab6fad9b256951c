import type { Affine } from "../../../pipeline/affine.ts"
import { fixed, placeOne, weightOne } from "../../../pipeline/affine.ts"
import type { Pixels } from "../../../pipeline/Pixels.ts"
import type { Scale } from "../../../pipeline/normalise.ts"
import type { Tap } from "./bicubic.ts"
import { bicubicTaps } from "./bicubic.ts"
import type { PixelRoutines } from "./pixelRoutines.ts"
import { pixelModule, weightBits } from "./pixelRoutines.ts"

const compiled: { module: WebAssembly.Module | undefined } = { module: undefined }

const page = 65536
const tapBytes = 12
const rowsAtOnce = 8
const ceilTo = (n: number, step: number) => Math.ceil(n / step) * step
const clamp = (v: number, size: number) => (v < 0 ? 0 : v >= size ? size - 1 : v)

/** The first and one beyond the last of `count` steps from `start` on at which a coordinate is within 0 to `end`. */
const inside = (start: number, step: number, end: number, count: number): readonly [number, number] => {
  const reach = (bound: number) => Math.max(0, Math.min(count, Math.ceil((bound - start) / step)))
  if (step > 0) return [reach(0), reach(end)]
  // Going down, it is at `end` - 1 or below from the first on, and at -1 or below beyond the last.
  if (step < 0) return [reach(end - 1), reach(-1)]
  return start >= 0 && start < end ? [0, count] : [0, 0]
}

const meet = (a: readonly [number, number], b: readonly [number, number]): readonly [number, number] => {
  const from = Math.max(a[0], b[0])
  return [from, Math.max(from, Math.min(a[1], b[1]))]
}

interface Plan {
  readonly height: number
  readonly width: number
  readonly rows: ReadonlyArray<Tap>
  /** Pixels that are repeated on the left of a source row. */
  readonly margin: number
  /** Bytes of a source row, with what is repeated on both sides. */
  readonly sourceStride: number
}

/**
 * Memory in which images are brought to one size, turned, and made numbers; one for each thread and configured size.
 *
 * The pixels are those of sharp (bicubic enlargement) and of `mirror`, `resample` and `normaliseInto`, byte by byte.
 */
export class Canvas {
  readonly height: number
  readonly width: number
  readonly scale: Scale
  readonly #memory: WebAssembly.Memory
  readonly #run: PixelRoutines
  readonly #bytes: Uint8Array
  readonly #numbers: Float32Array
  /** RGBX rows of `stride` bytes: the outermost pixels of what is drawn are there twice. */
  readonly #stride: number
  readonly #at: Readonly<
    Record<"scale" | "weights" | "taps" | "source" | "rows" | "drawn" | "turned" | "numbers", number>
  >
  #plan: Plan | undefined
  #isTurned = false

  constructor(height: number, width: number, scale: Scale) {
    this.height = height
    this.width = width
    this.scale = scale
    this.#stride = (ceilTo(width, 4) + 8) * 4
    const sizes = {
      scale: scale.byteLength,
      weights: 4 << weightBits,
      taps: 2 * width * tapBytes,
      // Sources are never larger than the canvas; margins and the last load reach beyond.
      source: height * (width + 8) * 3 + 16,
      rows: height * ceilTo(width, 4) * 8 + 32,
      drawn: (height + 3) * this.#stride,
      turned: (height + 1) * this.#stride,
      numbers: rowsAtOnce * width * 12
    }
    let end = 0
    const place = (size: number) => {
      const start = end
      end += ceilTo(size, 16)
      return start
    }
    this.#at = {
      scale: place(sizes.scale),
      weights: place(sizes.weights),
      taps: place(sizes.taps),
      source: place(sizes.source),
      rows: place(sizes.rows),
      // The pixel before the first row's first is there, too.
      drawn: place(sizes.drawn) + this.#stride + 16,
      turned: place(sizes.turned),
      numbers: place(sizes.numbers)
    }
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(end / page) })
    compiled.module ??= new WebAssembly.Module(pixelModule())
    const { exports } = new WebAssembly.Instance(compiled.module, { env: { memory: this.#memory } })
    this.#run = exports as unknown as PixelRoutines // what `pixelModule` exports
    this.#bytes = new Uint8Array(this.#memory.buffer)
    this.#numbers = new Float32Array(this.#memory.buffer, this.#at.numbers, rowsAtOnce * width * 3)
    new Float32Array(this.#memory.buffer, this.#at.scale, scale.length).set(scale)
    const weights = new Int32Array(this.#memory.buffer, this.#at.weights, 1 << weightBits)
    for (let dx = 0; dx < weights.length; dx++) weights[dx] = weights.length - dx + (dx << 16)
  }

  #planFor(height: number, width: number): Plan {
    if (this.#plan?.height === height && this.#plan.width === width) return this.#plan
    const shifted = height !== this.height || width !== this.width
    const columns = bicubicTaps(width, this.width, shifted)
    const margin = Math.max(0, 1 - (columns[0]?.at ?? 0))
    const write = (at: number, taps: ReadonlyArray<Tap>) => {
      const words = new Int32Array(this.#memory.buffer, at, taps.length * 3)
      for (const [i, tap] of taps.entries()) words.set([(tap.at - 1 + margin) * 3, tap.first, tap.second], i * 3)
    }
    write(this.#at.taps, columns)
    write(this.#at.taps + this.width * tapBytes, columns.toReversed())
    const last = columns.at(-1)?.at ?? 0
    const sourceStride = (margin + Math.max(width, last + 3)) * 3
    this.#plan = { height, width, rows: bicubicTaps(height, this.height, shifted), margin, sourceStride }
    return this.#plan
  }

  /** Draws an image that is no larger than the canvas, enlarged to fill it; or its mirror image. */
  draw({ data, height, width }: Pixels, mirrored: boolean): void {
    const plan = this.#planFor(height, width)
    const { margin, sourceStride } = plan
    const bytes = this.#bytes
    const rowBytes = ceilTo(this.width, 4) * 8
    const taps = this.#at.taps + (mirrored ? this.width * tapBytes : 0)
    for (let y = 0; y < height; y++) {
      const start = this.#at.source + y * sourceStride
      const first = y * width * 3
      // Byte by byte, for the rows are short; indices are inside by construction.
      for (let i = 0; i < margin * 3; i++) bytes[start + i] = data[first + (i % 3)] as number
      for (let i = 0; i < width * 3; i++) bytes[start + margin * 3 + i] = data[first + i] as number
      for (let i = (margin + width) * 3; i < sourceStride; i++)
        bytes[start + i] = data[first + (width - 1) * 3 + (i % 3)] as number
      this.#run.across(start, this.#at.rows + y * rowBytes, taps, this.width)
    }
    const rowAt = (y: number) => this.#at.rows + clamp(y, height) * rowBytes
    const words = new Uint32Array(this.#memory.buffer)
    for (const [y, { at, first, second }] of plan.rows.entries()) {
      const to = this.#at.drawn + y * this.#stride
      this.#run.down(
        rowAt(at - 1),
        rowAt(at),
        rowAt(at + 1),
        rowAt(at + 2),
        to,
        first,
        second,
        ceilTo(this.width, 4) / 4
      )
      words[to / 4 - 1] = words[to / 4] as number // inside by construction, as the next
      words[to / 4 + this.width] = words[to / 4 + this.width - 1] as number
    }
    const { drawn } = this.#at
    const end = drawn + this.height * this.#stride
    bytes.copyWithin(drawn - this.#stride - 4, drawn - 4, drawn - 4 + this.#stride)
    bytes.copyWithin(end - 4, end - this.#stride - 4, end - 4)
    this.#isTurned = false
  }

  /** Samples what was drawn anew: see `resample`. */
  turn(map: Affine, background: ReadonlyArray<number>): void {
    const [red = 0, green = 0, blue = 0] = background
    const colour = red | (green << 8) | (blue << 16)
    const { a, columns, d, rows } = fixed(map, this.height)
    const words = new Uint32Array(this.#memory.buffer)
    // The source begins a pixel to the left and above, with its centre at 0; and the nearest weight is meant.
    const shift = placeOne / 2 + placeOne / weightOne / 2
    for (let y = 0; y < this.height; y++) {
      const to = this.#at.turned + y * this.#stride
      const x0 = columns[y] as number // as many starts as rows
      const y0 = rows[y] as number
      const [left, right] = meet(
        inside(x0, a, this.width * placeOne, this.width),
        inside(y0, d, this.height * placeOne, this.width)
      )
      words.fill(colour, to / 4, to / 4 + left)
      this.#run.turn(
        this.#at.drawn - this.#stride - 4,
        this.#stride,
        to + left * 4,
        (right - left + 1) >> 1,
        x0 + left * a + shift,
        y0 + left * d + shift,
        a,
        d,
        this.#at.weights
      )
      words.fill(colour, to / 4 + right, to / 4 + this.width)
    }
    this.#isTurned = true
  }

  get #result(): number {
    return this.#isTurned ? this.#at.turned : this.#at.drawn
  }

  /** A copy of what is drawn. */
  pixels(): Pixels {
    const { height, width } = this
    const data = new Uint8Array(height * width * 3)
    for (let y = 0, o = 0; y < height; y++)
      for (let x = 0, i = this.#result + y * this.#stride; x < width; x++, i += 4, o += 3) {
        // Indices are inside by construction.
        data[o] = this.#bytes[i] as number
        data[o + 1] = this.#bytes[i + 1] as number
        data[o + 2] = this.#bytes[i + 2] as number
      }
    return { height, width, data }
  }

  /** Writes what is drawn as normalised numbers into `out`, from `offset` on. */
  numbers(out: Float32Array, offset: number): void {
    const { height, width } = this
    // A few rows at a time, which are still in the processor's cache when they are copied.
    for (let y = 0; y < height; y += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, height - y)
      for (let i = 0; i < rows; i++)
        this.#run.number(
          this.#result + (y + i) * this.#stride,
          this.#at.numbers + i * width * 12,
          this.#at.scale,
          width
        )
      const some = rows === rowsAtOnce ? this.#numbers : this.#numbers.subarray(0, rows * width * 3)
      out.set(some, offset + y * width * 3)
    }
  }
}
