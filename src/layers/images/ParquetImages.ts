import { Effect } from "effect"
import type { Scope } from "effect"
import { tooManyBytes } from "../../pipeline/ImageBytes.ts"
import { ImageRefused } from "../../pipeline/Images.ts"
import type { Refusal } from "../../pipeline/Images.ts"
import type { ParquetCell } from "../../pipeline/parquetCell.ts"
import { parquetCell } from "../../pipeline/parquetCell.ts"
import { fileBuffer } from "../parquet/fileBuffer.ts"
import type { Cells } from "../parquet/ParquetFile.ts"
import { ParquetFault, ParquetFile } from "../parquet/ParquetFile.ts"
import { openInside } from "./DiskImageBytes.ts"
import type { ImageKind } from "./ImageKind.ts"

/** Bytes of pages that are kept: neighbours are asked for one after the other when the images are checked. */
const mostKept = 2 ** 26

/** Files whose columns and pages are known. */
const mostFiles = 256

/** A map that lets its oldest entries go where they weigh too much together. */
class Recent<A> {
  readonly #entries = new Map<string, { readonly value: A; readonly weight: number }>()
  readonly #most: number
  #weight = 0

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): A | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  set(key: string, value: A, weight: number): void {
    this.delete(key)
    this.#entries.set(key, { value, weight })
    this.#weight += weight
    for (const old of this.#entries.keys()) {
      if (this.#weight <= this.#most || old === key) break
      this.delete(old)
    }
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0
    this.#entries.delete(key)
  }
}

const bytesOf = ({ values }: Cells): number =>
  values.reduce((sum: number, value) => sum + (value instanceof Uint8Array ? value.length : 0), 0)

const refusalOf = (file: string, cause: unknown): Refusal => ({
  reason: "imageUnreadable",
  detail:
    cause instanceof ParquetFault
      ? `${file}: ${cause.message}`
      : `${file} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`
})

const missing = (detail: string): Refusal => ({ reason: "imageMissing", detail })

/** Images in cells of Parquet files, any of them at any time; a file that changes is looked at anew. */
export const makeParquetImages: Effect.Effect<ImageKind> = Effect.sync(() => {
  /** By path, size and time of the last change. */
  const files = new Recent<Promise<ParquetFile>>(mostFiles)
  const pages = new Recent<Cells>(mostKept)
  /** Pages that are being read: a batch may want several images of one. */
  const reading = new Map<string, Promise<Cells>>()

  const pageOf = (key: string, read: () => Promise<Cells>): Promise<Cells> => {
    const known = pages.get(key)
    if (known !== undefined) return Promise.resolve(known)
    const begun = reading.get(key)
    if (begun !== undefined) return begun
    const page = read()
      .then((cells) => {
        pages.set(key, cells, bytesOf(cells))
        return cells
      })
      .finally(() => reading.delete(key))
    reading.set(key, page)
    return page
  }

  const readCell = Effect.fnUntraced(function* (
    { column, file, row }: ParquetCell,
    within: ReadonlyArray<string> | undefined
  ): Effect.fn.Return<unknown, Refusal, Scope.Scope> {
    const { handle, stats } = yield* openInside(file, within)
    const buffer = fileBuffer(handle, stats.size)
    const stamp = `${file} ${stats.size} ${stats.mtimeMs} ${stats.ino}`
    // Who waits for the same page reads through this handle: it stays open until the page is there.
    const reading = Effect.tryPromise({
      try: async () => {
        let opening = files.get(stamp)
        if (opening === undefined) {
          opening = ParquetFile.open(buffer)
          files.set(stamp, opening, 1)
          opening.catch(() => files.delete(stamp))
        }
        const page = await (await opening).page(buffer, row, column)
        if (page === undefined) return undefined
        const { first, values } = await pageOf(`${stamp} ${page.key}`, page.read)
        return values[row - first]
      },
      catch: (cause) => refusalOf(file, cause)
    })
    return yield* Effect.uninterruptible(reading)
  }, Effect.scoped)

  return {
    takes: (path) => parquetCell(path) !== undefined,
    read: Effect.fnUntraced(function* (path, most, within) {
      const refuse = (refusal: Refusal) => new ImageRefused({ path, ...refusal })
      const cell = parquetCell(path)
      if (cell === undefined) return yield* refuse(missing("this names no cell of a Parquet file"))
      const value = yield* Effect.mapError(readCell(cell, within), refuse)
      if (!(value instanceof Uint8Array))
        return yield* refuse(missing(`row ${cell.row} has no bytes in the column ${JSON.stringify(cell.column)}`))
      if (value.length > most)
        return yield* refuse({ reason: "imageTooLarge", detail: tooManyBytes(value.length, most) })
      // A copy: the page is shared, and would be copied whole with a message to a thread.
      return value.slice()
    })
  }
})
