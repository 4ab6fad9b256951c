/**
 * What commands cost as the work grows: time, processor time and peak memory of `weft report` on a run whose catalogue has
 * so many rows, and of `weft predict` on a folder of so many photos. Prints one JSON line:
 *   node bench/scaleCommands.ts --command report --rows 1000000
 *   node bench/scaleCommands.ts --command predict --rows 100000 --photos FOLDER
 * The run's predictions are drawn: a tenth of the rows each in the validation and the test part, 50 classes. What is
 * predicted are hard links to the photos, 1,000 in a folder, by SimpleCNN 48x48, which is trained for that on 200 drawn
 * photos.
 */
import { Effect, Schema } from "effect"
import { spawnSync } from "node:child_process"
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { layer } from "../src/Live.ts"
import { RefusalLines } from "../src/pipeline/Ledger.ts"
import { RunFolder } from "../src/run/RunFolder.ts"
import { Runs } from "../src/run/Runs.ts"
import { writeSyntheticRun } from "../test/run/report/syntheticRun.ts"

const { values } = parseArgs({
  options: {
    command: { type: "string", default: "report" },
    rows: { type: "string", default: "10000" },
    /** A folder of photos, for `predict`. */
    photos: { type: "string" },
    format: { type: "string", default: "jsonl" },
    engine: { type: "string", default: "auto" },
    /** Where the command's CPU profile is written. */
    profile: { type: "string" }
  }
})
const rows = Number(values.rows)
const folder = mkdtempSync(join(tmpdir(), "weft-scale-"))
const bin = fileURLToPath(new URL("../src/bin.ts", import.meta.url))
const usage = fileURLToPath(new URL("usage.ts", import.meta.url))
const Usage = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Number))

/** Runs a command line of Weft; its standard output goes to `output`. */
const weft = (args: ReadonlyArray<string>, output = "/dev/null", profile?: string) => {
  const to = openSync(output, "w")
  const noted = join(folder, "usage.json")
  const { status } = spawnSync(
    process.execPath,
    [...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]), "--import", usage, bin, ...args],
    { cwd: folder, env: { ...process.env, WEFT_BENCH_USAGE: noted }, stdio: ["ignore", to, "inherit"] }
  )
  closeSync(to)
  if (status !== 0) throw new Error(`weft ${args.join(" ")} ended with ${status}`)
  return Schema.decodeSync(Usage)(readFileSync(noted, "utf8"))
}

/** A run on a catalogue of so many rows, of which one in a hundred was refused and one in twenty of the test part leaks. */
const writeRun = Effect.fnUntraced(function* (path: string) {
  const classes = 50
  // Test samples of the largest class, so that all classes together have a tenth of the rows: see `writeSyntheticRun`.
  const share = Array.from({ length: classes }, (_, at) => 1 / (1 + at / 4)).reduce((sum, one) => sum + one, 0)
  const run = yield* Runs.use((runs) => runs.existing(path))
  const labels = Array.from({ length: classes }, (_, at) => `Kind ${at}`)
  const largest = rows / 10 / share
  const written = writeSyntheticRun({ labels, largest, epochs: 20, seed: 1 })
  const { data } = yield* Effect.provideService(written, RunFolder, run)
  const refusals = Array.from({ length: rows / 100 }, (_, at) => ({
    line: 100 * at + 2,
    reason: "imageMissing" as const,
    id: `gone-${at}`,
    label: `Kind ${at % classes}`,
    detail: `images/gone-${at}.jpg: there is no such file`
  }))
  yield* run.write("ledger.jsonl", yield* Schema.encodeEffect(RefusalLines)(refusals))
  const testIds = Array.from({ length: data.test / 20 }, (_, at) => `${at % classes}-${Math.floor(at / classes)}`)
  const leakage = {
    notes: [],
    train: data.train,
    validation: data.validation,
    test: data.test,
    shared: [{ kind: "bytes", validation: testIds.length, test: testIds.length, testIds, examples: [] }],
    contradictions: []
  }
  yield* run.write("leakage.json", JSON.stringify(leakage))
})

const report = async () => {
  const run = join(folder, "run")
  mkdirSync(run)
  await Effect.runPromise(writeRun(run).pipe(Effect.provide(layer), Effect.scoped) as Effect.Effect<void>)
  const found = weft(["report", run], undefined, values.profile)
  const kib = (file: string) => Math.round(statSync(join(run, file)).size / 1024)
  return {
    ...found,
    pageKiB: kib("report.html"),
    predictionsCsvKiB: kib("predictions.csv"),
    mistakesCsvKiB: kib("mistakes.csv")
  }
}

const predict = () => {
  const run = join(folder, "run")
  const tiny = [
    "data.sample.images=200",
    "image.height=48",
    "image.width=48",
    "train.epochs=1",
    "network.name=simple-cnn"
  ]
  weft(["train", "--run", run, ...tiny.flatMap((one) => ["--set", one])])
  const from = values.photos
  if (from === undefined) throw new Error("--photos names the folder of the photos")
  const photos = readdirSync(from)
  for (let i = 0; i < rows; i++) {
    const below = join(folder, "photos", String(Math.floor(i / 1000)))
    if (i % 1000 === 0) mkdirSync(below, { recursive: true })
    linkSync(join(from, photos[i % photos.length] ?? ""), join(below, `${i}.jpg`))
  }
  const output = join(folder, "predictions")
  const found = weft(
    ["predict", "--run", run, "--format", values.format, "--engine", values.engine, join(folder, "photos")],
    output,
    values.profile
  )
  return { ...found, outputKiB: Math.round(statSync(output).size / 1024) }
}

try {
  const found = values.command === "report" ? await report() : predict()
  console.log(JSON.stringify({ bench: "scaleCommands", command: values.command, rows, ...found }))
} finally {
  rmSync(folder, { recursive: true })
}
