import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { percent } from "../metrics/numberText.ts"
import { ExportInput, ExportOutput, TensorNames } from "../model/export/ExportSettings.ts"
import { descriptionFile } from "../model/export/exportFiles.ts"
import { ExportFormat, formatNames, formatOf, formatTitles } from "../model/export/formats.ts"
import { ExportPrecision } from "../model/export/Precision.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { exportRun as runExport } from "../run/export/exportRun.ts"
import type { Exported } from "../run/export/exportRun.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { runOr } from "./latestRun.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import * as options from "./options.ts"
import { readRunConfig } from "./readConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  run: options.run.pipe(
    Flag.withDescription("The run's folder; the newest finished one under runs/ where left out"),
    Flag.optional
  ),
  format: Flag.Literals("format", ExportFormat.literals).pipe(
    Flag.withDescription(`What the model is written as: ${formatTitles}`)
  ),
  out: Flag.String("out").pipe(
    Flag.withAlias("o"),
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      "The folder to make; RUN/export/FORMAT where left out, with -PRECISION behind it for fp16 and int8"
    ),
    Flag.optional
  ),
  input: Flag.Literals("input", ExportInput.literals).pipe(
    Flag.withDescription("The graph's input: normalised numbers, or an image's bytes; float where left out"),
    Flag.optional
  ),
  output: Flag.Literals("output", ExportOutput.literals).pipe(
    Flag.withDescription(
      "The graph's output: the network's logits, or probabilities, calibrated where the run is; logits where left out"
    ),
    Flag.optional
  ),
  names: Flag.Literals("names", TensorNames.literals).pipe(
    Flag.withDescription(`${formatNames("weights")}: whose names the tensors have; weft's where left out`),
    Flag.optional
  ),
  precision: Flag.Literals("precision", ExportPrecision.literals).pipe(
    Flag.withDescription(
      "How numbers are kept: fp32, fp16 (half the size) or int8 (a quarter; its ranges are from training images). The " +
        "accuracy that fp16 and int8 lose is measured on validation images"
    ),
    Flag.withDefault("fp32")
  ),
  maxLoss: Flag.Finite("max-loss").pipe(
    Flag.withMetavar("POINTS"),
    Flag.withDescription(
      "The most accuracy, in points, that fp16 or int8 may lose in a label column; beyond it nothing is written; 1 where left out"
    ),
    Flag.filter(
      (points) => points >= 0 && points <= 100,
      (points) => `expected 0 to 100 points, got ${points}`
    ),
    Flag.optional
  ),
  check: Flag.Literals("check", ["test", "noise"]).pipe(
    Flag.withDescription("What the export is checked on: images of the test part, which reads the catalogue, or noise"),
    Flag.withDefault("test")
  ),
  force: Flag.Boolean("force").pipe(
    Flag.withDescription("Replaces an earlier export in the same folder"),
    Flag.withDefault(false)
  ),
  set: options.set,
  json: options.json
}

const size = (bytes: number) => (bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`)

const shape = (numbers: ReadonlyArray<number | null>) => numbers.map((number) => number ?? "N").join(" x ")

const checkText = ({ check }: Exported) =>
  check.reader === null
    ? `NOT CHECKED: ${check.reason}.`
    : `Checked: loaded again by ${check.reader}, it differs from the run (${check.engine}) by ` +
      `${check.largestDifference.toExponential(1)} at most (${check.tolerance} is allowed), on ${check.images}.`

const signed = (share: number) => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`

const rate = (images: number) => (images < 10 ? images.toFixed(1) : Math.round(images).toLocaleString("en-US"))

/** What a lower precision costs and gains. */
const precisionText = ({ files, measured, metadata: { precision } }: Exported): ReadonlyArray<string> => {
  if (precision === undefined || measured === undefined) return []
  const { agreement, fp32Bytes, images, largestDifference, maxLoss, reader, speed } = measured
  const { calibrationImages, loss, name } = precision
  const bytes = files.reduce((sum, file) => (file.name === descriptionFile ? sum : sum + file.bytes), 0)
  const unsure = loss.some(({ interval }) => -100 * interval.low > maxLoss)
  return [
    `Precision: ${name}, ${percent(bytes / fp32Bytes)} of float32's ${size(fp32Bytes)}` +
      `${calibrationImages === undefined ? "" : `; calibrated on ${calibrationImages} images of the training part`}.`,
    ...loss.map(
      ({ accuracy, column, difference, fp32, interval, samples }) =>
        `Accuracy${column === undefined ? "" : ` of ${visibleLine(column)}`}: ${percent(fp32)} in float32, ${percent(accuracy)} in ${name}; ` +
        `${signed(difference)} points (95 %: ${signed(interval.low)} to ${signed(interval.high)}) on ${samples} images of the validation part.`
    ),
    ...(unsure
      ? [`With so few images, a loss of more than ${maxLoss} ${maxLoss === 1 ? "point" : "points"} is not ruled out.`]
      : []),
    `Of ${images} images, both predict the same for ${percent(agreement)}; outputs differ by ${largestDifference.toExponential(1)} at most.`,
    ...(speed === undefined
      ? []
      : [
          `Speed here in ${reader}, best of ${speed.batches} batches of ${speed.batch}: float32 ${rate(speed.fp32)} images/s, ${name} ${rate(speed.imagesPerSecond)}${
            speed.steady
              ? ` (${speed.ratio.toFixed(2)} times).`
              : ". Other work on the machine disturbed this: measure again on a quiet one."
          }`
        ])
  ]
}

/** How many classes, and in which label columns where there are several. */
const classesText = ({ columns, labels }: Exported["metadata"]) =>
  columns === undefined
    ? `${labels.length} classes`
    : columns.map(({ classes, name }) => `${classes.length} classes of ${visibleLine(name)}`).join(", ")

/** The outputs of the graph. */
const outputsOf = ({ columns = [], output }: Exported["metadata"]) =>
  output === undefined ? columns.flatMap(({ output }) => (output === undefined ? [] : [output])) : [output]

const exportedText = (exported: Exported) => {
  const { files, folder, metadata, warnings } = exported
  const { input, names, network, opset } = metadata
  const outputs = outputsOf(metadata)
  return [
    `${network.name} with ${classesText(metadata)}, as ${metadata.format}${opset === undefined ? "" : ` (opset ${opset})`}: ${folder}`,
    ...files.map(({ bytes, name }) => `  ${name}  ${size(bytes)}`),
    ...(names === undefined ? [] : [`Tensors: ${names}'s names.`]),
    ...(input === undefined
      ? []
      : [`In: ${input.name}, ${input.type}, ${shape(input.shape)} (${input.layout}): ${input.meaning}.`]),
    ...(outputs.length === 0
      ? []
      : [`Out: ${outputs.map((output) => `${output.name}, ${shape(output.shape)}`).join("; ")}.`]),
    checkText(exported),
    ...precisionText(exported),
    ...warnings.map((warning) => `WARNING: ${warning}`)
  ].join("\n")
}

/** Writes a run's model for other programs. */
export const exportRun = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* ({
    check,
    force,
    format,
    input,
    json,
    maxLoss,
    names,
    out,
    output,
    precision,
    run,
    set
  }) {
    const isGraph = formatOf(format).kind === "graph"
    const misplaced = isGraph
      ? Option.isSome(names) && "--names"
      : Option.isSome(input)
        ? "--input"
        : Option.isSome(output) && "--output"
    if (misplaced !== false)
      return yield* new ConfigError({
        where: `${misplaced} --format ${format}`,
        problems: [
          isGraph ? `is for --format ${formatNames("weights")} only` : `is for graphs only: ${formatNames("graph")}`
        ]
      })
    if (precision === "fp32" && Option.isSome(maxLoss))
      return yield* new ConfigError({
        where: "--max-loss",
        problems: ["is for a lower precision only: --precision fp16 or int8"]
      })
    if (precision !== "fp32" && check === "noise")
      return yield* new ConfigError({
        where: `--check noise --precision ${precision}`,
        problems: ["accuracy cannot be measured on noise: leave out --check, and the catalogue is read"]
      })
    const path = yield* runOr(run)
    const config = yield* readRunConfig(path, set)
    const folder = yield* Runs.use((runs) => runs.existing(path))
    const exported = yield* runExport(config, {
      format,
      graph: {
        input: Option.getOrElse(input, () => "float" as const),
        output: Option.getOrElse(output, () => "logits" as const)
      },
      names: Option.getOrElse(names, () => "weft" as const),
      target: Option.getOrElse(
        out,
        () => `${path}/export/${format}${precision === "fp32" ? "" : `-${precision}`}`
      ).replace(/(?<=.)\/+$/, ""),
      force,
      images: check,
      precision,
      ...(Option.isSome(maxLoss) && { maxLoss: maxLoss.value })
    }).pipe(Effect.provideService(RunFolder, folder))
    yield* Console.log(json ? JSON.stringify({ run: path, ...exported }, null, 2) : exportedText(exported))
  })
).pipe(
  Command.withDescription(`Writes a run's model for other programs (${formatTitles}), and checks it`),
  Command.withExamples([
    { command: weftCommand("export --format onnx"), description: "The newest run, in RUN/export/onnx" },
    {
      command: weftCommand(
        "export --run runs/shop --format tfjs --input uint8 --output probabilities --out site/model"
      ),
      description: "From an image's bytes to probabilities, for browsers"
    },
    {
      command: weftCommand("export --format safetensors --names timm"),
      description: "Weights for PyTorch, under timm's names"
    }
  ])
)
