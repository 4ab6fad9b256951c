/**
 * What the data's stages cost as a catalogue grows: time and peak memory of reading, checking and dividing, of an epoch's
 * order, of the ledger and the metrics. Prints one JSON line; one size for each process, as a process's peak only grows:
 *   node bench/scale.ts --rows 1000000 [--photos FOLDER]
 * Without photos each row has an image of its own that is not read: what is measured is Weft. With a folder of photos the
 * rows are hard links to them, checked as in any run; rows of one photo are one group. Each hundredth row has no image. A
 * folder that is kept shows the second start: WEFT_CACHE=CACHE node bench/scale.ts --photos FOLDER --folder ROWS, twice.
 */
import { NodeServices } from "@effect/platform-node"
import { Console, Effect, Layer, Result, Schema, Stream } from "effect"
import { createHash } from "node:crypto"
import { createWriteStream, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { finished } from "node:stream/promises"
import { parseArgs } from "node:util"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import * as AllImageBytes from "../src/layers/images/AllImageBytes.ts"
import * as Checks from "../src/layers/images/Checks.ts"
import * as SharpImages from "../src/layers/images/SharpImages.ts"
import * as FileRows from "../src/layers/sources/FileRows.ts"
import { measure } from "../src/metrics/Evaluation.ts"
import { testReport } from "../src/metrics/Report.ts"
import { ImageRefused, Images } from "../src/pipeline/Images.ts"
import { RefusalLines } from "../src/pipeline/Ledger.ts"
import { makeLosses } from "../src/pipeline/Losses.ts"
import { order } from "../src/pipeline/order.ts"
import { loadDataset } from "../src/pipeline/Dataset.ts"
import { Progress } from "../src/pipeline/Progress.ts"
import { Rows } from "../src/pipeline/Rows.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "10000" },
    /** A folder of photos, e.g. that of a catalogue which Weft has drawn. */
    photos: { type: "string" },
    /** The folder of the rows and links, which is kept then. */
    folder: { type: "string" }
  }
})
const rows = Number(values.rows)
const classes = 50
const perFolder = 1000

const folderOf = (i: number) => `images/${Math.floor(i / perFolder)}`

/** Writes the list, and the links where there are photos. */
const prepare = async (folder: string, photos: ReadonlyArray<string>) => {
  const file = createWriteStream(join(folder, "styles.csv"))
  file.write("id,label,image,name\n")
  for (let i = 0; i < rows; i++) {
    const photo = photos[i % photos.length]
    if (photo !== undefined) {
      if (i % perFolder === 0) mkdirSync(join(folder, folderOf(i)), { recursive: true })
      if (i % 100 !== 99) linkSync(photo, join(folder, folderOf(i), `${i}.jpg`))
    }
    // A photo has one class, whatever row it is in.
    const label = photos.length === 0 ? i % classes : (i % photos.length) % classes
    if (!file.write(`${i},kind ${label},${folderOf(i)}/${i}.jpg,Some product of the catalogue with a name ${i}\n`))
      await new Promise((resolve) => file.once("drain", () => resolve(undefined)))
  }
  file.end()
  await finished(file)
}

/** Every image is there but each hundredth, and is none other's. */
const noImages = Layer.succeed(Images, {
  load: (path) => Effect.die(`${path} is not to be loaded`),
  check: (path) =>
    path.endsWith("99.jpg")
      ? Effect.fail(new ImageRefused({ path, reason: "imageMissing", detail: "there is no such file" }))
      : Effect.succeed({
          height: 80,
          width: 60,
          channels: 3,
          format: "jpeg",
          digest: createHash("sha256").update(path).digest("hex")
        })
})

const peak = () => Math.round(process.resourceUsage().maxRSS / 1024)

/** A stage's processor time is that of all threads, which other work on the machine hardly changes. */
const stages: Array<{
  readonly stage: string
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMiB: number
}> = []

let spent = process.cpuUsage()

/** Notes a stage that has ended; its processor time is what was spent since the one before. */
const end = (stage: string, seconds: number) => {
  const { system, user } = process.cpuUsage(spent)
  spent = process.cpuUsage()
  stages.push({ stage, seconds, cpuSeconds: Math.round((user + system) / 10_000) / 100, peakMiB: peak() })
}

const since = (start: number) => Math.round((performance.now() - start) / 10) / 100

const timed = <A, E, R>(stage: string, work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.tap(work, () => Effect.sync(() => end(stage, since(start))))
  })

const main = Effect.gen(function* () {
  const folder =
    values.folder ??
    (yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "weft-scale-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    ))
  const from = values.photos
  const photos = from === undefined ? [] : readdirSync(from).map((name) => join(from, name))
  if (!readdirSync(folder).includes("styles.csv")) yield* Effect.promise(() => prepare(folder, photos))
  const config = yield* decodeRunConfig(
    { data: { root: folder, columns: { label: "label" }, images: "{image}", maxRefused: 0.05 } },
    "bench/scale.ts"
  )
  const { data, image, loader, seed } = config

  yield* timed(
    "rows, read and not kept",
    Rows.use((source) =>
      Stream.runForEachArray(source.read(folder, data), (all) => Effect.sync(() => all.filter(Result.isSuccess).length))
    )
  )
  const start = performance.now()
  let listed = 0
  let checked = 0
  const dataset = yield* loadDataset({ root: folder, data, image, loader, seed }).pipe(
    Effect.provideService(Progress, (event) =>
      Effect.sync(() => {
        if (event._tag === "Listing") listed = performance.now()
        if (event._tag === "Checking") {
          if (checked === 0) end("rows, read and kept", since(start))
          checked = performance.now()
          if (event.done === event.total) end("images, checked", Math.round((checked - listed) / 10) / 100)
        }
      })
    )
  )
  end("divided, with digest and leakage", since(checked))
  yield* timed(
    "an epoch's order",
    Effect.sync(() => order(dataset.train.length, seed, 1))
  )
  const losses = makeLosses(dataset, data)
  const ledger = yield* timed("the ledger, as text", Schema.encodeEffect(RefusalLines)(losses.ledger().refusals))
  const test = dataset.test.length
  const logits = Float32Array.from({ length: test * dataset.classes.length }, (_, i) => ((i * 7919) % 1013) / 100)
  const labels = Int32Array.from(dataset.test, ({ label }) => label)
  yield* timed(
    "the test metrics",
    Effect.sync(() => testReport(measure({ classes: dataset.classes.length, logits, labels }), dataset.classes))
  )
  yield* Console.log(
    JSON.stringify({
      bench: "scale",
      rows,
      photos: photos.length,
      kept: dataset.ledger.kept,
      ledgerBytes: ledger.length,
      stages,
      peakMiB: peak()
    })
  )
}).pipe(
  Effect.scoped,
  Effect.provide([
    FileRows.layer,
    values.photos === undefined
      ? noImages
      : Layer.provide(SharpImages.layerFromBytes, [AllImageBytes.layer, Checks.layer])
  ]),
  Effect.provide(NodeServices.layer)
)

await Effect.runPromise(main)
