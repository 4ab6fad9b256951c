import { Effect, Layer, Stream } from "effect"
import { formOf } from "../../../pipeline/catalogueForm.ts"
import type { DataConfig } from "../../../pipeline/DataConfig.ts"
import { SampleCatalogue } from "../../../pipeline/SampleCatalogue.ts"
import type { CorrectionChoice } from "../../../run/serve/Correction.ts"
import { Desk } from "../../../run/serve/Desk.ts"
import { DeskExports, NoExport } from "../../../run/serve/DeskExports.ts"
import { DeskImages } from "../../../run/serve/DeskImages.ts"
import { correctedCsv } from "../../sources/correctedCsv.ts"
import { cellsOf, correctionsCsv } from "../store/correctionsCsv.ts"

const unreadable = ({ message }: { readonly message: string }) =>
  new NoExport({ reason: "unreadable", detail: `the catalogue cannot be given out: ${message}` })

/** The desk's answers in the catalogue that the desk began with, and as CSV. */
export const layer = (data: DataConfig) =>
  Layer.effect(
    DeskExports,
    Effect.gen(function* () {
      const desk = yield* Desk
      const images = yield* DeskImages
      const samples = yield* SampleCatalogue
      const corrections = (of: CorrectionChoice["of"]) =>
        correctionsCsv(desk.corrections({ of }), images.path, desk.settings.separators)
      const catalogue = Effect.gen(function* () {
        if (formOf(data) !== "csv")
          return yield* new NoExport({
            reason: "noCsv",
            detail: "the catalogue is no CSV: take the corrected cells alone, from /v1/corrections.csv"
          })
        const root =
          data.sample === undefined ? (data.root ?? "") : yield* Effect.mapError(samples.draw(data.sample), unreadable)
        const cells = yield* cellsOf(desk.corrections({ of: "all" }))
        return Stream.mapError(correctedCsv(root, data, cells), unreadable)
      })
      return {
        catalogue: Stream.unwrap(catalogue),
        corrections: corrections("all"),
        trainingCorrections: corrections("training")
      }
    })
  )
