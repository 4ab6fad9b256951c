import { Effect, Schema } from "effect"
import { Report } from "../../metrics/Report.ts"
import { Engines } from "../../model/Engines.ts"
import { describeExport } from "../../model/export/describeExport.ts"
import { exportFiles } from "../../model/export/exportFiles.ts"
import { formatOf } from "../../model/export/formats.ts"
import type { ExportPlan } from "../../model/export/formats.ts"
import { forEngine } from "../../model/parts.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { messageOf } from "../../pipeline/messageOf.ts"
import { checkExport, logitsOf, tolerance } from "./checkExport.ts"
import { ExportError, Exports } from "./Exports.ts"
import { heldImages } from "./heldImages.ts"
import type { HeldSource } from "./heldImages.ts"
import { readModel } from "../readModel.ts"
import { Machine } from "../Machine.ts"
import { RunFolder } from "../RunFolder.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** How and where to export a run. */
export interface ExportRequest extends Omit<ExportPlan, "model"> {
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

/**
 * Writes a finished run's model for other programs, with labels, preprocessing and receipt inside.
 *
 * The export is loaded again and must give the same outputs as the run's engine, for images of the test part where the
 * catalogue can be read. Otherwise it is removed, and an ExportError names the values that differ.
 */
export const exportRun = Effect.fn("exportRun")(function* (config: RunConfig, request: ExportRequest) {
  const { force, format, graph, images, names, target } = request
  const exports = yield* Exports
  const { model, report } = yield* finishedRun()
  const plan: ExportPlan = { format, graph, names, model }
  const facts = formatOf(format)
  const fault = facts.fault?.(plan)
  const where = facts.kind === "weights" ? `--names ${names}` : `--format ${format}`
  if (fault !== undefined) return yield* new ExportError({ where, reason: "names", detail: fault })
  yield* exports.vacant(target, force)
  const engine = yield* Engines.use((engines) => engines.choose(config.engine, forEngine(model.network)))
  const held = yield* heldImages(config, model, images)
  const logits = yield* logitsOf(engine, model, held)
  const { versions } = yield* Machine
  const metadata = describeExport(plan, report, versions["weft"] ?? "unknown")
  const files = yield* Effect.try({
    try: () => exportFiles(plan, metadata),
    catch: (cause) =>
      new ExportError({
        where: target,
        reason: "tooLarge",
        detail: `the model cannot be written as ${format}: ${messageOf(cause)}`
      })
  })
  const checked = yield* exports.publish(target, files, force, (draft) =>
    checkExport(plan, engine, held, logits, target, draft)
  )
  return {
    folder: target,
    files: files.map(({ content, name }) => ({ name, bytes: bytesOf(content) })),
    metadata,
    warnings: metadata.warnings ?? [],
    check: { ...checked, tolerance, source: held.source, images: held.what, engine: engine.info.name }
  }
}, Effect.scoped)

/** What was exported, and how it was checked. */
export type Exported = Effect.Success<ReturnType<typeof exportRun>>
