import { Effect, Result, Stream } from "effect"
import { report } from "./Progress.ts"
import { formOf, unitOf } from "./catalogueForm.ts"
import type { DataConfig } from "./DataConfig.ts"
import { isBudgetSpent, tooManyRefused } from "./DataUnusable.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import { Images } from "./Images.ts"
import type { Refusal } from "./Ledger.ts"
import { countFaults, refuse } from "./Ledger.ts"
import { folderOf, isFolder, isForeign, missingImages } from "./missingImages.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { Row } from "./Row.ts"
import type { MaskedRow } from "./maskLabels.ts"
import { catalogueFile, imageFolders, pathUnder } from "./Rows.ts"

/** A row whose image can be used. */
export interface CheckedRow extends MaskedRow {
  /** The image file. */
  readonly path: string
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string
  /** What it looks like; absent where it was not looked at. */
  readonly fingerprint?: string
}

type Looked = Pick<CheckedRow, "path" | "digest" | "fingerprint">

/** Whether a text has only characters with one form in Unicode, so that it has only one spelling. */
const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text)

/** How many further rows are checked to tell whether most photos are missing, or only the first few. */
const probed = 30

/** What a run that has checked a catalogue's images knows of them. */
export interface Known {
  /**
   * SHA-256 of images that are not checked again, by id. The samples are kept; whether the files are still the same
   * shows when they are needed.
   */
  readonly kept?: ReadonlyMap<string, string>
  /** Rows that are refused again, by line, without reading the image. */
  readonly refused?: ReadonlyMap<number, Refusal>
  /**
   * SHA-256 of images that may be gone, by id. The samples keep their places in the parts, and leave when they are
   * needed.
   */
  readonly gone?: ReadonlyMap<string, string>
}

/**
 * Checks every row's image: several at the same time, with the results in the rows' order.
 *
 * Fails at the row that spends the failure budget (`data.maxRefused` of all `listed` rows; `refusals` are those so
 * far), which is the same row on every run. Progress is reported as `Checking`.
 */
export const checkImages = Effect.fn("checkImages")(function* (options: {
  readonly root: string
  readonly rows: ReadonlyArray<Row>
  readonly listed: number
  readonly refusals: ReadonlyArray<Refusal>
  readonly data: DataConfig
  readonly image: ImageConfig
  readonly loader: LoaderConfig
  readonly known?: Known | undefined
}) {
  const { data, image, known, listed, loader, refusals, root, rows } = options
  const images = yield* Images
  const kept: Array<CheckedRow> = []
  const refused: Array<Refusal> = []
  /** Rows whose image is missing. */
  const missing: Array<Row> = []
  let faulty = countFaults(refusals)
  const within = imageFolders(root, data)
  /** Whether photos that look alike are one group, so that every photo has to be seen. */
  const needsLooks = data.split.nearDuplicates === "together"
  /** Folders that photos were missed in, and whether each is there: a missing one is one cause, whatever it should hold. */
  const folders = new Map<string, boolean>()
  const missingDetail = Effect.fnUntraced(function* (path: string, detail: string) {
    const folder = folderOf(path)
    const isThere = folders.get(folder) ?? (yield* isFolder(images, folder, image))
    folders.set(folder, isThere)
    return isThere ? detail : `there is no folder ${folder}`
  })
  const look = Effect.fnUntraced(function* (row: Row, path: string): Effect.fn.Return<Looked, Refusal> {
    const digest = known?.kept?.get(row.id)
    // A name with other characters may be spelled differently on the disk, so that the file must be looked up.
    if (digest !== undefined && isAscii(path) && !needsLooks) return { path, digest }
    const before = known?.refused?.get(row.line)
    if (before !== undefined && before.id === row.id) return yield* Effect.fail(before)
    const facts = yield* Effect.result(images.check(path, image, { within, urls: data.urls }))
    const found = Result.isSuccess(facts) ? (facts.success.path ?? path) : path
    const looks = Result.isSuccess(facts) ? facts.success.fingerprint : undefined
    const seen = looks === undefined ? {} : { fingerprint: looks }
    if (digest !== undefined) return { path: found, digest, ...seen }
    if (Result.isSuccess(facts)) return { path: found, digest: facts.success.digest, ...seen }
    const { message, reason } = facts.failure
    const gone = known?.gone?.get(row.id)
    if (gone !== undefined) return { path, digest: gone }
    const detail = reason === "imageMissing" ? yield* missingDetail(path, message) : message
    return yield* Effect.fail(refuse(row, reason, detail))
  })
  const check = Effect.fnUntraced(function* (row: Row) {
    const path = pathUnder(root, row.image)
    return { row, looked: yield* Effect.result(look(row, path)) }
  })
  /** The error of a catalogue most of whose photos are missing: one cause, not one for each row. */
  const explainMissing = Effect.fnUntraced(function* () {
    const seen = kept.length + refused.length
    if (missing.length <= seen / 2 || missing.length <= faulty / 2) return
    const left = rows.slice(seen)
    const step = Math.max(1, Math.ceil(left.length / probed))
    const more = yield* Effect.forEach(
      left.filter((_, index) => index % step === 0),
      check,
      { concurrency: loader.concurrency }
    )
    const gone = more.filter(
      ({ looked, row }) =>
        Result.isFailure(looked) && (looked.failure.reason === "imageMissing" || isForeign(row, data))
    )
    const total = seen + more.length
    if (gone.length < more.length / 2) return
    return yield* yield* missingImages({
      root,
      file: catalogueFile(root, data),
      missing: [...missing, ...gone.map(({ row }) => row)],
      looked: total,
      listed,
      data,
      image
    })
  })
  yield* Stream.fromArray(rows).pipe(
    Stream.mapEffect((row) => check(row), { concurrency: loader.concurrency }),
    Stream.runForEach(
      Effect.fnUntraced(function* ({ looked, row }) {
        if (Result.isSuccess(looked)) kept.push({ ...row, ...looked.success })
        else {
          if (looked.failure.reason === "imageMissing" || isForeign(row, data)) missing.push(row)
          refused.push(looked.failure)
          faulty += 1
          if (isBudgetSpent(listed, faulty, data.maxRefused)) {
            yield* explainMissing()
            const all = [...refusals, ...refused].toSorted((a, b) => a.line - b.line)
            return yield* tooManyRefused(catalogueFile(root, data), listed, all, data.maxRefused, unitOf[formOf(data)])
          }
        }
        yield* report({
          _tag: "Checking",
          done: kept.length + refused.length,
          total: rows.length,
          refused: faulty
        })
      })
    )
  )
  if (kept.length === 0) yield* explainMissing()
  return { kept, refusals: refused }
})
