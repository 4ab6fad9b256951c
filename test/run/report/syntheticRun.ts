import { Effect, Schema, Struct } from "effect"
import { testReport } from "../../../src/metrics/Report.ts"
import type { Report } from "../../../src/metrics/Report.ts"
import { calibrate, figuresOf } from "../../../src/model/measure.ts"
import type { StoredPredictions } from "../../../src/model/StoredPredictions.ts"
import { encodePredictions, numbersOf } from "../../../src/model/StoredPredictions.ts"
import type { Refusal } from "../../../src/pipeline/Ledger.ts"
import { ledgerCounts, RefusalLines } from "../../../src/pipeline/Ledger.ts"
import { draw } from "../../../src/pipeline/draw.ts"
import { RunFolder } from "../../../src/run/RunFolder.ts"
import type { StepSpan } from "../../../src/run/train/StepSpan.ts"
import { StepSpanLines } from "../../../src/run/train/StepSpan.ts"

/** A run that nobody trained: as large as a real one, and the same each time. */
export interface SyntheticRun {
  readonly labels: ReadonlyArray<string>
  /** Test samples of the largest class; the others have fewer and fewer. */
  readonly largest: number
  readonly epochs: number
  readonly seed: number
  /** How far the right class's logit stands out from those of the classes beside it; the noise has 1.1. */
  readonly gap?: number
  readonly calibrated?: boolean
  readonly root?: string
}

/** Classes side by side resemble each other; one sample in 60 bears the label of another class. */
const predictionsOf = (part: "validation" | "test", run: SyntheticRun): StoredPredictions => {
  const { gap = 2.3, labels, largest, seed } = run
  const classes = labels.length
  const random = draw(seed, "synthetic", part)
  const samples = labels.flatMap((_, truth) =>
    Array.from({ length: Math.max(3, Math.round(largest / (1 + truth / 4))) }, (_, i) => ({
      truth,
      id: `${truth}-${i}`,
      file: `images/${truth}-${i}.jpg`,
      digest: `${truth}${i}`.padStart(64, "0"),
      label: random.next() < 1 / 60 ? random.below(classes) : truth
    }))
  )
  const logits = Float32Array.from({ length: samples.length * classes }, (_, k) => {
    const { truth } = samples[Math.floor(k / classes)]!
    const distance = Math.abs((k % classes) - truth)
    return (distance === 0 ? 2.2 + gap : distance < 3 ? 3 - distance * 0.8 : 0) + 1.1 * random.normal()
  })
  return { part, labels, logits, samples: samples.map((sample) => Struct.omit(sample, ["truth"])) }
}

/** Writes the run's files into the RunFolder, and gives its report. */
export const writeSyntheticRun = Effect.fn("writeSyntheticRun")(function* (run: SyntheticRun) {
  const { calibrated = true, epochs, labels, root = "shop", seed } = run
  const folder = yield* RunFolder
  const [validation, test] = [predictionsOf("validation", run), predictionsOf("test", run)]
  const fitted = calibrated ? calibrate(numbersOf(validation), { kind: "temperature", bins: 15 }) : undefined
  const { calibration, evaluation } = figuresOf(numbersOf(test), fitted)
  const refusals: ReadonlyArray<Refusal> = [
    { line: 7, reason: "malformed", text: "1,2,<i>three</i>", detail: "3 fields instead of 10" },
    { line: 12, reason: "imageMissing", id: "9", label: labels[0]!, detail: "images/9.jpg: there is no such file" },
    ...Array.from({ length: 12 }, (_, i) => ({
      line: 20 + i,
      reason: "classTooSmall" as const,
      id: `r${i}`,
      label: `Rare ${i % 3}`,
      detail: "its class has 4 rows; `data.minPerClass` is 50"
    }))
  ]
  const overLimit = 5
  const perClass = labels.map((label, index) => {
    const of = ({ samples }: StoredPredictions) => samples.filter((sample) => sample.label === index).length
    const parts = { train: 8 * of(test), validation: of(validation), test: of(test) }
    const missing = index === 0 ? { refused: 1, leftOut: 0 } : { refused: 0, leftOut: 0 }
    const listed = parts.train + parts.validation + parts.test + missing.refused + missing.leftOut
    return { label, listed, ...parts, leftOut: missing.leftOut }
  })
  const train = perClass.reduce((sum, counts) => sum + counts.train, 0)
  const kept = train + validation.samples.length + test.samples.length
  const counts = ledgerCounts({ listed: kept + refusals.length + overLimit, kept, refusals, overLimit })
  const history = Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 2.6 * Math.exp(-0.4 * i) + 0.2,
    trainAccuracy: 1 - 0.7 * Math.exp(-0.5 * i),
    validationLoss: 2.2 * Math.exp(-0.45 * i) + 0.3 + 0.01 * i,
    validationAccuracy: 0.92 - 0.6 * Math.exp(-0.5 * i),
    learningRate: 0.01 * 0.1 ** Math.floor(i / 7),
    imagesPerSecond: 240 + 5 * i,
    seconds: train / 240 + 9,
    waiting: 0.031
  }))
  const report: Report = {
    data: {
      ...counts,
      classes: labels.length,
      train,
      validation: validation.samples.length,
      test: test.samples.length,
      perClass: [
        ...perClass,
        ...[0, 1, 2].map((i) => ({ label: `Rare ${i}`, listed: 4, train: 0, validation: 0, test: 0, leftOut: 4 }))
      ]
    },
    model: { network: "mobilenet-v2", head: "fc", parameters: 2_313_542, trainableParameters: 2_313_542 },
    history,
    chosenEpoch: Math.max(1, epochs - 1),
    test: testReport(evaluation, labels),
    ...(fitted && {
      calibration: { temperature: fitted.temperature, bins: 15, validation: fitted.figures, test: calibration ?? null }
    }),
    engine: { name: "tensorflow", device: "CPU, 2 threads", versions: { tensorflow: "2.19.0" } },
    seconds: history.reduce((sum, { seconds }) => sum + seconds, 0) + 42,
    measuringSeconds: 11,
    receipt: {
      dataDigest: "d".repeat(64),
      configDigest: "c".repeat(64),
      weightsDigest: "w".repeat(64),
      ledger: counts,
      versions: { weft: "0.1.0", node: "24.21.0", tensorflow: "2.19.0" },
      seeds: { run: seed },
      machine: { platform: "linux 6", arch: "x64", cpus: 2, memory: 24 * 2 ** 30 }
    }
  }
  const steps: ReadonlyArray<StepSpan> = Array.from({ length: 380 }, (_, i) => ({
    step: (i + 1) * 14,
    steps: 14,
    loss: 3 * Math.exp(-i / 70) + 0.3 + 0.1 * Math.sin(i),
    learningRate: 0.01 * 0.1 ** Math.floor(i / 266)
  }))
  const config = {
    name: "synthetic",
    seed,
    data: { root, columns: { id: "id", label: "articleType" } },
    image: { height: 96, width: 128 },
    augment: { flip: 0.5, rotation: 10 },
    network: { name: "mobilenet-v2", weights: "hf:timm/mobilenetv2_100.ra_in1k" },
    train: { epochs, learningRate: 0.01 },
    ...(calibrated && { calibration: {} })
  }
  yield* folder.write("config.json", JSON.stringify(config))
  yield* folder.write("report.json", JSON.stringify(report))
  yield* folder.write("history.jsonl", history.map((record) => `${JSON.stringify(record)}\n`).join(""))
  yield* folder.write("ledger.jsonl", yield* Schema.encodeEffect(RefusalLines)(refusals))
  yield* folder.write("steps.jsonl", yield* Schema.encodeEffect(StepSpanLines)(steps))
  yield* folder.write("predictions/validation.safetensors", encodePredictions(validation))
  yield* folder.write("predictions/test.safetensors", encodePredictions(test))
  return report
})
