import { Effect, Schema } from "effect"
import { Report } from "../../metrics/Report.ts"
import type { StoredPredictions } from "../../model/StoredPredictions.ts"
import { decodePredictions } from "../../model/StoredPredictions.ts"
import type { Refusal } from "../../pipeline/Ledger.ts"
import { Leakage } from "../../pipeline/leakage.ts"
import { RefusalLines } from "../../pipeline/Ledger.ts"
import type { RunConfig } from "../../config/RunConfig.ts"
import { decodeRunConfig } from "../../config/RunConfig.ts"
import type { LabelNoise } from "../labelNoise/LabelNoise.ts"
import { LabelNoiseFile } from "../labelNoise/LabelNoise.ts"
import type { RunFile } from "../RunFolder.ts"
import { RunFolder, RunFolderError } from "../RunFolder.ts"
import type { StepSpan } from "../train/StepSpan.ts"
import { StepSpanLines } from "../train/StepSpan.ts"

/** The contents of a run's folder, without its weights. */
export interface RunFacts {
  /** The folder, as it was named. */
  readonly path: string
  /** Its last part. */
  readonly name: string
  readonly config: RunConfig
  readonly report: Report
  readonly refusals: ReadonlyArray<Refusal>
  readonly steps: ReadonlyArray<StepSpan>
  readonly validation: StoredPredictions | undefined
  readonly test: StoredPredictions | undefined
  /** What the parts share; runs of Weft 0.1 have no such file. */
  readonly leakage: Leakage | undefined
  /** The training labels that were softened or left out; undefined where nothing was to be. */
  readonly noise?: LabelNoise | undefined
  /** A sentence for each file that could not be read: a page shows it, and leaves the file's contents out. */
  readonly gaps: ReadonlyArray<string>
}

/** The last part of a folder's path. */
export const nameOf = (path: string): string =>
  path.split(/[/\\]/).findLast((part) => part !== "" && part !== ".") ?? path

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/**
 * Reads a finished run. Fails where `config.json` or `report.json` is missing or invalid; any other missing or damaged
 * file is an entry of `gaps`.
 */
export const readRun = Effect.fn("readRun")(function* () {
  const folder = yield* RunFolder
  const gaps: Array<string> = []
  const needed = Effect.fnUntraced(function* <A>(file: RunFile, decode: (text: string) => Effect.Effect<A, Error>) {
    const text = textOf(yield* folder.read(file))
    return yield* decode(text).pipe(
      Effect.mapError(
        (error) => new RunFolderError({ path: `${folder.path}/${file}`, reason: "invalid", detail: error.message })
      )
    )
  })
  const optional = <A, B>(
    file: RunFile,
    without: string,
    otherwise: B,
    decode: (bytes: Uint8Array) => Effect.Effect<A, Error>
  ): Effect.Effect<A | B> =>
    Effect.flatMap(folder.read(file), decode).pipe(
      Effect.catch((error: Error) => {
        gaps.push(`${without}: ${error.message}`)
        return Effect.succeed(otherwise)
      })
    )
  const predictions = (part: "validation" | "test") =>
    optional(`predictions/${part}.safetensors`, `Photos of the ${part} part are not shown`, undefined, (bytes) =>
      decodePredictions(bytes, `${folder.path}/predictions/${part}.safetensors`)
    )

  const config = yield* needed("config.json", (text) =>
    Effect.flatMap(Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text), (raw) =>
      decodeRunConfig(raw, `${folder.path}/config.json`)
    )
  )
  const report = yield* needed("report.json", Schema.decodeEffect(Schema.fromJsonString(Report)))
  const facts: RunFacts = {
    path: folder.path,
    name: nameOf(folder.path),
    config,
    report,
    refusals: yield* optional("ledger.jsonl", "No examples of refused rows", [], (bytes) =>
      Schema.decodeEffect(RefusalLines)(textOf(bytes))
    ),
    steps: yield* optional("steps.jsonl", "No curves over steps", [], (bytes) =>
      Schema.decodeEffect(StepSpanLines)(textOf(bytes))
    ),
    validation: yield* predictions("validation"),
    test: yield* predictions("test"),
    leakage: (yield* folder.has("leakage.json"))
      ? yield* optional("leakage.json", "Nothing of what the parts share", undefined, (bytes) =>
          Schema.decodeEffect(Schema.fromJsonString(Leakage))(textOf(bytes))
        )
      : undefined,
    noise: (yield* folder.has("label-noise.json"))
      ? yield* optional("label-noise.json", "Nothing of the training labels that were treated", undefined, (bytes) =>
          Schema.decodeEffect(LabelNoiseFile)(textOf(bytes))
        )
      : undefined,
    gaps
  }
  return facts
})
