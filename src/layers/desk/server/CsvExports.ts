import { Effect, Layer, Stream } from "effect"
import { Csv } from "effect/encoding"
import type { CorrectionChoice } from "../../../run/serve/Desk.ts"
import { Desk } from "../../../run/serve/Desk.ts"
import { DeskExports, NoExport } from "../../../run/serve/DeskExports.ts"

const head = ["digest", "row", "name", "column", "from", "to"]

/** The desk's answers as CSV. */
export const layer = Layer.effect(
  DeskExports,
  Effect.map(Desk, (desk) => {
    const corrections = (of: CorrectionChoice["of"]) =>
      desk.corrections({ of }).pipe(
        Stream.map(({ column, digest, from, name, row, to }) => [digest, row ?? "", name, column, from ?? "", to]),
        Stream.prepend([head]),
        Stream.pipeThroughChannel(Csv.encodeString()),
        Stream.encodeText
      )
    return {
      catalogue: Stream.fail(
        new NoExport({ reason: "noCsv", detail: "the run read no CSV: take the corrections from /v1/corrections.csv" })
      ),
      corrections: corrections("all"),
      trainingCorrections: corrections("training")
    }
  })
)
