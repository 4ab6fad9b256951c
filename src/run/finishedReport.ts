import { Effect, Schema } from "effect"
import { Report } from "../metrics/Report.ts"
import type { RunConfig } from "../config/RunConfig.ts"
import { configDigest } from "./configDigest.ts"
import { readFormer } from "./former.ts"
import type { RunFolder } from "./RunFolder.ts"
import { RunFolderError } from "./RunFolder.ts"

/**
 * The report of a finished run's folder; undefined where the run is not finished. Fails where the finished run has
 * another configuration than the complete `config`: its result would be lost. A report from
 * before the run was trained longer does not count. Errors name `path`.
 */
export const finishedReport = Effect.fn("finishedReport")(function* (
  folder: RunFolder["Service"],
  config: RunConfig,
  path = folder.path
) {
  if (!(yield* folder.has("report.json"))) return undefined
  const text = new TextDecoder().decode(yield* folder.read("report.json"))
  const report = yield* Effect.mapError(
    Schema.decodeEffect(Schema.fromJsonString(Report))(text),
    ({ message }) =>
      new RunFolderError({
        path: `${path}/report.json`,
        reason: "invalid",
        detail: `it is not a report of a run (${message}): remove it, and the run is finished again`
      })
  )
  const { configDigest: found } = report.receipt
  if (found === (yield* configDigest(config))) return report
  if (!(yield* readFormer(folder)).includes(found))
    return yield* new RunFolderError({
      path,
      reason: "invalid",
      detail: "the folder holds the finished run of another configuration: name another folder, or remove this one"
    })
  return undefined
})
