import { Effect, Schema } from "effect"
import { percent } from "../../metrics/numberText.ts"
import { Report } from "../../metrics/Report.ts"
import { Engines } from "../../model/Engines.ts"
import { describeExport } from "../../model/export/describeExport.ts"
import { descriptionFile, exportFiles } from "../../model/export/exportFiles.ts"
import type { ExportFile, GraphFormat } from "../../model/export/Format.ts"
import { formatOf, formats } from "../../model/export/formats.ts"
import type { ExportMetadata } from "../../model/export/ExportMetadata.ts"
import type { ExportPrecision, PrecisionFacts } from "../../model/export/Precision.ts"
import type { ExportPlan, GraphFormatName } from "../../model/export/formats.ts"
import { forEngine } from "../../model/parts.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { checkExport, logitsOf, tolerance } from "./checkExport.ts"
import type { Draft } from "./Exports.ts"
import { ExportError, Exports } from "./Exports.ts"
import { calibrated, measureLoss, samplesFor } from "./lowerPrecision.ts"
import { heldImages } from "./heldImages.ts"
import type { HeldSource } from "./heldImages.ts"
import { readModel } from "../readModel.ts"
import { Machine } from "../Machine.ts"
import { RunFolder } from "../RunFolder.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** How and where to export a run. */
export interface ExportRequest extends Omit<ExportPlan, "model" | "precision"> {
  /** Float32 where left out. */
  readonly precision?: ExportPrecision
  /** The most that a lower precision may cost of any column's accuracy, in points (hundredths); 1 where left out. */
  readonly maxLoss?: number
  readonly target: string
  /** Replaces an earlier export in the same folder. */
  readonly force: boolean
  /** The images that the export is checked with. */
  readonly images: HeldSource
}

const ReportFile = Schema.fromJsonString(Report)

/** The report and the model of a finished run. */
const finishedRun = Effect.fnUntraced(function* () {
  const folder = yield* RunFolder
  if (!(yield* folder.has("report.json")) || !(yield* folder.has("model/model.safetensors")))
    return yield* new ExportError({
      where: folder.path,
      reason: "unfinished",
      detail: `this run is not finished, and has no model yet; go on with it: ${weftCommand(`train --run ${folder.path} --resume`)}`
    })
  const model = yield* readModel(folder)
  const text = new TextDecoder().decode(yield* folder.read("report.json"))
  const report = yield* Schema.decodeEffect(ReportFile)(text).pipe(
    Effect.mapError(
      ({ message }) =>
        new ExportError({
          where: `${folder.path}/report.json`,
          reason: "unfinished",
          detail: `this is not a report of this version of Weft: ${message}`
        })
    )
  )
  return { model, report }
})

const bytesOf = (content: Uint8Array | string) =>
  typeof content === "string" ? new TextEncoder().encode(content).length : content.length

/** Bytes of the model, without the description beside it. */
const sizeOf = (files: ReadonlyArray<ExportFile>) =>
  files.reduce((sum, { content, name }) => (name === descriptionFile ? sum : sum + bytesOf(content)), 0)

const write = (plan: ExportPlan, metadata: ExportMetadata, target: string) =>
  Effect.try({
    try: () => exportFiles(plan, metadata),
    catch: (cause) =>
      new ExportError({
        where: target,
        reason: "tooLarge",
        detail: `the model cannot be written as ${plan.format}: ${messageOf(cause)}`
      })
  })

const list = new Intl.ListFormat("en-GB", { type: "disjunction" })

/** Fails where the format does not have the precision. */
const precisionOf = (format: ExportPlan["format"], precision: ExportPrecision) => {
  const { precisions, title } = formatOf(format)
  if (precisions.some((one) => one === precision)) return Effect.succeed(precision)
  const others = formats.filter(({ precisions }) => precisions.some((one) => one === precision))
  return Effect.fail(
    new ExportError({
      where: `--format ${format} --precision ${precision}`,
      reason: "names",
      detail: `${title} is written in ${list.format(precisions)} only; ${precision} is for --format ${list.format(others.map(({ name }) => name))}`
    })
  )
}

const points = (share: number) => (100 * share).toFixed(1)

/** Fails where a column loses more than is allowed. */
const withinBound = (target: string, { loss, name }: PrecisionFacts, maxLoss: number) => {
  const worst = loss.find(({ difference }) => -100 * difference > maxLoss)
  if (worst === undefined) return Effect.void
  const { accuracy, column, difference, fp32, interval, samples } = worst
  const other = name === "int8" ? "Take --precision fp16, or allow" : "Keep fp32, or allow"
  return Effect.fail(
    new ExportError({
      where: target,
      reason: "accuracy",
      detail:
        `${name} loses ${points(-difference)} points of accuracy${column === undefined ? "" : ` in "${column}"`}: ${percent(fp32)} become ` +
        `${percent(accuracy)} on ${samples} images of the validation part (95 %: a change between ${points(interval.low)} and ` +
        `${points(interval.high)}), and ${maxLoss} is allowed. Nothing was written. ${other} more with --max-loss`
    })
  )
}

/**
 * Writes a finished run's model for other programs, with labels, preprocessing and receipt inside.
 *
 * The export is loaded again and must give the same outputs as the run's engine, for images of the test part where the
 * catalogue can be read. Otherwise it is removed, and an ExportError names the values that differ.
 *
 * For a lower precision that holds of its float32 twin. It is compared with its twin on images of the validation part,
 * and refused where it loses more accuracy than `maxLoss`.
 */
export const exportRun = Effect.fn("exportRun")(function* (config: RunConfig, request: ExportRequest) {
  const { force, format, graph, images, maxLoss = 1, names, precision = "fp32", target } = request
  const exports = yield* Exports
  const { model, report } = yield* finishedRun()
  const plan: ExportPlan = { format, graph, names, model }
  const facts = formatOf(format)
  yield* precisionOf(format, precision)
  const fault = facts.fault?.(plan)
  const where = facts.kind === "weights" ? `--names ${names}` : `--format ${format}`
  if (fault !== undefined) return yield* new ExportError({ where, reason: "names", detail: fault })
  yield* exports.vacant(target, force)
  const engine = yield* Engines.use((engines) => engines.choose(config.engine, forEngine(model.network)))
  const held = yield* heldImages(config, model, images)
  const logits = yield* logitsOf(engine, model, held)
  const { versions } = yield* Machine
  const metadata = describeExport(plan, report, versions["weft"] ?? "unknown")
  const files = yield* write(plan, metadata, target)
  const check = (draft: Draft) => checkExport(plan, engine, held, logits, target, draft)

  const lowered = Effect.fnUntraced(function* (name: PrecisionFacts["name"], facts: GraphFormat<GraphFormatName>) {
    const graphs = { plan, format: facts, target }
    const { train, validation } = yield* samplesFor(config, model)
    const full = yield* exports.draft(target, files)
    const checked = yield* check(full)
    const { calibrationImages, precision } =
      name === "fp16"
        ? { precision: { name } as const, calibrationImages: undefined }
        : yield* calibrated(graphs, files, train, config.seed)
    const lower = { ...plan, precision }
    const { loss, ...measured } = yield* measureLoss(
      graphs,
      full,
      yield* write(lower, metadata, target),
      validation,
      config.seed
    )
    const own: PrecisionFacts = { name, ...(calibrationImages !== undefined && { calibrationImages }), loss }
    yield* withinBound(target, own, maxLoss)
    const about = { ...metadata, precision: own }
    const written = yield* write(lower, about, target)
    yield* exports.publish(target, written, force, () => Effect.void)
    return { checked, files: written, metadata: about, measured: { ...measured, maxLoss, fp32Bytes: sizeOf(files) } }
  })

  const done =
    precision === "fp32" || facts.kind === "weights"
      ? { checked: yield* exports.publish(target, files, force, check), files, metadata, measured: undefined }
      : yield* lowered(precision, facts)
  return {
    folder: target,
    files: done.files.map(({ content, name }) => ({ name, bytes: bytesOf(content) })),
    metadata: done.metadata,
    warnings: metadata.warnings ?? [],
    check: { ...done.checked, tolerance, source: held.source, images: held.what, engine: engine.info.name },
    /** Of a lower precision: how it compares with its float32 twin, beyond the metadata's `precision`. */
    ...(done.measured !== undefined && { measured: done.measured })
  }
}, Effect.scoped)

/** What was exported, and how it was checked. */
export type Exported = Effect.Success<ReturnType<typeof exportRun>>
