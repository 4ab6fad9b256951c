import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { ExportInput, ExportOutput, TensorNames } from "../model/export/ExportSettings.ts"
import { ExportFormat, formatNames, formatOf, formatTitles } from "../model/export/formats.ts"
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
    Flag.withDescription("The folder to make; RUN/export/FORMAT where left out"),
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
    ...warnings.map((warning) => `WARNING: ${warning}`)
  ].join("\n")
}

/** Writes a run's model for other programs. */
export const exportRun = Command.make(
  "export",
  flags,
  Effect.fnUntraced(function* ({ check, force, format, input, json, names, out, output, run, set }) {
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
      target: Option.getOrElse(out, () => `${path}/export/${format}`).replace(/(?<=.)\/+$/, ""),
      force,
      images: check
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
