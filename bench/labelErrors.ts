/**
 * How many of the likely label errors are errors: a part of a catalogue, 5 % of whose labels were put on another class at
 * random, and a linear head on a frozen MobileNetV2 that learns from the flipped labels too. Prints one JSON line:
 *   node bench/labelErrors.ts --data FOLDER --weights FILE
 *
 * With `--training`, only training labels are flipped: how many of them are found out of fold, and what a head reaches on
 * clean validation labels that learns them as they are, softened or left out. A JSON line for each share and seed:
 *   node bench/labelErrors.ts --training --flips 0.05,0.1 --seed 1,2,3
 */
import { parse } from "csv-parse/sync"
import { Console, Effect, Layer, Schema } from "effect"
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as DiskFeatureCache from "../src/layers/storage/DiskFeatureCache.ts"
import * as Live from "../src/Live.ts"
import { Checkpoints } from "../src/model/Checkpoints.ts"
import { decodePredictions } from "../src/model/StoredPredictions.ts"
import { draw } from "../src/pipeline/draw.ts"
import { Progress } from "../src/pipeline/Progress.ts"
import { decodeRunConfig } from "../src/config/RunConfig.ts"
import { LabelNoiseFile } from "../src/run/labelNoise/LabelNoise.ts"
import { likelyLabelErrors } from "../src/run/report/likelyLabelErrors.ts"
import { RunFolder } from "../src/run/RunFolder.ts"
import { trainRun } from "../src/run/train/trainRun.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: "../shared/datasets/fashion-product-images-small" },
    weights: { type: "string", default: "../shared/weights/mobilenetv2_100.safetensors" },
    engine: { type: "string", default: "auto" },
    rows: { type: "string", default: "8000" },
    /** Of the classes that are kept. */
    least: { type: "string", default: "50" },
    size: { type: "string", default: "96" },
    epochs: { type: "string", default: "15" },
    flips: { type: "string", default: "0.05" },
    seed: { type: "string", default: "1" },
    training: { type: "boolean", default: false },
    /** Where predictions and true labels are left, for a look of one's own. */
    keep: { type: "string" }
  }
})

const seeds = values.seed.split(",").map(Number)
const shares = values.flips.split(",").map(Number)
const [seed = 1] = seeds
const [flips = 0] = shares
const size = Number(values.size)

interface Row {
  readonly id: string
  readonly truth: string
  readonly label: string
}

/**
 * Rows of the catalogue's larger classes, the same for each seed in `drawnBy`, some of those that `mayFlip` with another
 * class's label.
 */
const flippedRows = (
  share: number,
  seed: number,
  {
    drawnBy = seed,
    mayFlip = () => true
  }: { readonly drawnBy?: number; readonly mayFlip?: (id: string) => boolean } = {}
): ReadonlyArray<Row> => {
  // The rows that have more cells than the header are those whose name has commas.
  const all: ReadonlyArray<Record<string, string>> = parse(readFileSync(join(values.data, "styles.csv")), {
    columns: true,
    relax_column_count: true
  })
  const there = all.flatMap(({ articleType = "", id = "" }) =>
    existsSync(join(values.data, "images", `${id}.jpg`)) ? [{ id, truth: articleType }] : []
  )
  const sizes = new Map<string, number>()
  for (const { truth } of there) sizes.set(truth, (sizes.get(truth) ?? 0) + 1)
  const classes = [...sizes].filter(([, rows]) => rows >= Number(values.least)).map(([label]) => label)
  return there
    .filter(({ truth }) => classes.includes(truth))
    .map((row) => ({ row, at: draw(drawnBy, row.id, "subset").next() }))
    .sort((a, b) => a.at - b.at)
    .slice(0, Number(values.rows))
    .map(({ row: { id, truth } }) => {
      const random = draw(seed, id, "flip")
      const others = classes.filter((label) => label !== truth)
      const label = mayFlip(id) && random.next() < share ? others[random.below(others.length)] : undefined
      return { id, truth, label: label ?? truth }
    })
}

const cell = (text: string) => `"${text.replaceAll('"', '""')}"`

/** The part of a row where only training labels are flipped: the same for each seed. */
const partOf = (id: string) => (draw(1, id, "part").next() < 0.7 ? "train" : "validation")

const writeList = (file: string, rows: ReadonlyArray<Row>, labelOf: (row: Row) => string) =>
  writeFileSync(
    file,
    `id,label,part\n${rows.map((row) => `${cell(row.id)},${cell(labelOf(row))},${partOf(row.id)}\n`).join("")}`
  )

/** The catalogue as a folder of its own. */
const writeCatalogue = (folder: string, rows: ReadonlyArray<Row>) => {
  mkdirSync(join(folder, "images"), { recursive: true })
  for (const { id } of rows) copyFileSync(join(values.data, "images", `${id}.jpg`), join(folder, "images", `${id}.jpg`))
  writeList(join(folder, "styles.csv"), rows, ({ label }) => label)
}

/** Of the first so many, the share whose label had been flipped. */
const precision = (isFlipped: ReadonlyArray<boolean>, first: number) =>
  isFlipped.slice(0, first).filter(Boolean).length / Math.min(first, isFlipped.length)

const main = Effect.gen(function* () {
  const root = mkdtempSync(join(tmpdir(), "weft-bench-"))
  const rows = flippedRows(flips, seed)
  const truths = new Map(rows.map(({ id, truth }) => [id, truth]))
  writeCatalogue(root, rows)
  const config = yield* decodeRunConfig(
    {
      seed,
      data: {
        root,
        columns: { id: "id", label: "label" },
        minPerClass: 10,
        split: { train: 0.4, validation: 0.3, test: 0.3 }
      },
      image: { height: size, width: size },
      network: { name: "mobilenet-v2", weights: values.weights, trainable: "head" },
      train: { epochs: Number(values.epochs), batchSize: 64, learningRate: 0.002, optimizer: { kind: "adam" } },
      engine: { name: values.engine }
    },
    "bench/labelErrors.ts"
  )
  const found = yield* Effect.gen(function* () {
    const report = yield* trainRun(config)
    const folder = yield* RunFolder
    const parts = yield* Effect.forEach(["validation", "test"] as const, (part) =>
      Effect.gen(function* () {
        const bytes = yield* folder.read(`predictions/${part}.safetensors`)
        if (values.keep !== undefined) writeFileSync(join(values.keep, `${part}.safetensors`), bytes)
        return yield* decodePredictions(bytes, part)
      })
    )
    return { report, parts }
  }).pipe(
    Effect.provide([RunFolder.layerMemory, Checkpoints.layerMemory(1)]),
    Effect.provide(Layer.fresh(DiskFeatureCache.layer({ folder: join(root, "features") }))),
    Effect.ensuring(Effect.sync(() => rmSync(root, { recursive: true })))
  )
  if (values.keep !== undefined) writeFileSync(join(values.keep, "truths.json"), JSON.stringify([...truths]))
  const { parts, report } = found
  const { errors } = likelyLabelErrors(parts)
  const flipped = errors.map(({ id, labelName }) => truths.get(id) !== labelName)
  const right = errors.map(({ id, suggestedName }) => truths.get(id) === suggestedName)
  const held = parts.flatMap(({ labels, samples }) => samples.map(({ id, label }) => truths.get(id) !== labels[label]))
  yield* Console.log(
    JSON.stringify({
      bench: "labelErrors",
      rows: rows.length,
      classes: report.data.classes,
      held: held.length,
      flipped: held.filter(Boolean).length,
      accuracy: report.test?.accuracy,
      listed: errors.length,
      precision: precision(flipped, errors.length),
      precisionOfFirst50: precision(flipped, 50),
      precisionOfFirst100: precision(flipped, 100),
      recall: flipped.filter(Boolean).length / held.filter(Boolean).length,
      suggestedIsTrue: right.filter((is, i) => is && flipped[i]).length / Math.max(1, flipped.filter(Boolean).length)
    })
  )
}).pipe(
  Effect.provideService(Progress, () => Effect.void), // what is printed is the JSON line
  Effect.provide(Live.layer)
)

/** What becomes of the training labels that are likely wrong: of all of them. */
const most = 0.2
const treatments = {
  asTheyAre: undefined,
  softened: { most, treat: "soften" },
  leftOut: { most, treat: "leave-out" },
  relabelled: { most, treat: "soften", predictedShare: 1 }
} as const

const training = Effect.gen(function* () {
  const root = mkdtempSync(join(tmpdir(), "weft-bench-"))
  const mayFlip = (id: string) => partOf(id) === "train"
  writeCatalogue(root, flippedRows(0, seed, { drawnBy: 1 }))
  const trained = Effect.fnUntraced(function* (csv: string, seed: number, labelNoise: object | undefined) {
    const config = yield* decodeRunConfig(
      {
        seed,
        data: {
          root,
          csv,
          columns: { id: "id", label: "label" },
          minPerClass: 10,
          split: { by: { column: "part" } }
        },
        image: { height: size, width: size },
        network: { name: "mobilenet-v2", weights: values.weights, trainable: "head" },
        train: {
          epochs: Number(values.epochs),
          batchSize: 64,
          learningRate: 0.002,
          optimizer: { kind: "adam" },
          schedule: { kind: "cosine" },
          select: "last",
          ...(labelNoise && { labelNoise })
        },
        engine: { name: values.engine }
      },
      "bench/labelErrors.ts"
    )
    return yield* Effect.gen(function* () {
      const { history } = yield* trainRun(config)
      const noise =
        labelNoise === undefined
          ? undefined
          : yield* RunFolder.use((folder) => folder.read("label-noise.json")).pipe(
              Effect.flatMap((bytes) => Schema.decodeEffect(LabelNoiseFile)(new TextDecoder().decode(bytes))),
              Effect.orDie // the run wrote it
            )
      return { accuracy: history.at(-1)?.validationAccuracy, noise }
    }).pipe(Effect.provide([RunFolder.layerMemory, Checkpoints.layerMemory(1)]))
  })
  /** Of each seed: the clean labels are the same for each share. */
  const cleanAccuracies = new Map<number, unknown>()
  const line = Effect.fnUntraced(function* (share: number, seed: number) {
    const rows = flippedRows(share, seed, { drawnBy: 1, mayFlip })
    const truths = new Map(rows.map(({ id, truth }) => [id, truth]))
    writeList(join(root, "noisy.csv"), rows, ({ label }) => label)
    writeList(join(root, "clean.csv"), rows, ({ truth }) => truth)
    const isFlipped = ({ id, label }: { readonly id: string; readonly label: string }) => truths.get(id) !== label
    const flipped = rows.filter(isFlipped).length
    const clean = cleanAccuracies.get(seed) ?? (yield* trained("clean.csv", seed, undefined)).accuracy
    cleanAccuracies.set(seed, clean)
    const accuracies: Record<string, unknown> = { clean }
    let listed: ReadonlyArray<boolean> = []
    let suggestedIsTrue = 0
    for (const [name, labelNoise] of Object.entries(treatments)) {
      const { accuracy, noise } = yield* trained("noisy.csv", seed, labelNoise)
      accuracies[name] = accuracy
      if (noise === undefined) continue
      listed = noise.rows.map(isFlipped)
      const right = noise.rows.filter((row) => isFlipped(row) && truths.get(row.id) === row.predicted)
      suggestedIsTrue = right.length / Math.max(1, listed.filter(Boolean).length)
    }
    yield* Console.log(
      JSON.stringify({
        bench: "labelErrors --training",
        flips: share,
        seed,
        train: rows.filter(({ id }) => mayFlip(id)).length,
        flipped,
        listed: listed.length,
        precision: precision(listed, listed.length),
        precisionOfFirst100: precision(listed, 100),
        recall: listed.filter(Boolean).length / flipped,
        suggestedIsTrue,
        ...accuracies
      })
    )
  })
  yield* Effect.forEach(
    shares.flatMap((share) => seeds.map((seed) => [share, seed] as const)),
    ([share, seed]) => line(share, seed)
  ).pipe(
    Effect.provide(Layer.fresh(DiskFeatureCache.layer({ folder: join(root, "features") }))),
    Effect.ensuring(Effect.sync(() => rmSync(root, { recursive: true })))
  )
}).pipe(
  Effect.provideService(Progress, () => Effect.void), // what is printed is the JSON lines
  Effect.provide(Live.layer)
)

await Effect.runPromise(values.training ? training : main)
