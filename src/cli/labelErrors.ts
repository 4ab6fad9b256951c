import { Console, Effect, FileSystem, Path } from "effect"
import { Flag } from "effect/cli"
import { percent } from "../metrics/numberText.ts"
import type { RunConfig } from "../config/RunConfig.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { atomicWrite } from "../layers/storage/atomicWrite.ts"
import { systemFault } from "../layers/storage/systemFault.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import type { ListedLabelErrors } from "../run/labelNoise/listLabelErrors.ts"
import { listLabelErrors } from "../run/labelNoise/listLabelErrors.ts"
import * as options from "./options.ts"
import { section, table } from "./text.ts"

/** Errors of a column that are printed. */
const printed = 20

export const labelErrors = Flag.String("label-errors").pipe(
  Flag.withMetavar("FOLDER"),
  Flag.withDescription(
    "Instead of measuring, lists the worst training labels, each judged by a classifier of the other folds: writes label-errors.csv, which data.corrections reads once a person has gone through it, and label-errors.html with the photos"
  ),
  Flag.optional
)

export const count = options
  .howMany("count", "labels", 200)
  .pipe(Flag.withDescription("With --label-errors: how many labels of each label column at most"))

const probability = (value: number) => (value < 0.001 ? "< 0.1 %" : percent(value))

const textOf = ({ columns }: ListedLabelErrors): string =>
  columns
    .map(({ accuracy, found, labels, name, rows, small }) =>
      section(
        `${visibleLine(name)}: ${found} of ${rows} training labels ${found === 1 ? "is" : "are"} likely wrong`,
        [
          ...(labels.length === 0
            ? []
            : [
                table([
                  ["id", "label", "its probability", "predicted", "its probability", ""],
                  ...labels
                    .slice(0, printed)
                    .map(({ id, isLikely, label, labelProbability, predicted, predictedProbability }) => [
                      visibleLine(id),
                      visibleLine(label),
                      probability(labelProbability),
                      visibleLine(predicted),
                      probability(predictedProbability),
                      isLikely ? "*likely wrong" : ""
                    ])
                ])
              ]),
          ...(labels.length > printed ? [`and ${labels.length - printed} more in label-errors.csv`] : []),
          `The classifiers agree with ${percent(accuracy)} of the labels that they have not seen.`,
          ...(small.length === 0
            ? []
            : [`Not judged, as there are too few photos: ${small.map(visibleLine).join(", ")}`])
        ].join("\n")
      )
    )
    .join("\n")

/** Lists likely label errors into a folder, and prints the first ones. */
export const writeLabelErrors = Effect.fnUntraced(function* (
  config: RunConfig,
  { count, folder, json }: { readonly count: number; readonly folder: string; readonly json: boolean }
) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const [csvFile, pageFile] = [join(folder, "label-errors.csv"), join(folder, "label-errors.html")]
  const refused = (problem: string) => new ConfigError({ where: `--label-errors ${folder}`, problems: [problem] })
  // Before anything is computed: somebody may have gone through that list.
  if (yield* Effect.orElseSucceed(fs.exists(csvFile), () => false))
    return yield* refused("there is a label-errors.csv already, and it stays as it is; name another folder")
  yield* fs
    .makeDirectory(folder, { recursive: true })
    .pipe(Effect.mapError((error) => refused(`the folder cannot be made: ${systemFault(error).detail}`)))
  const { csv, found, page } = yield* listLabelErrors(config, count)
  yield* atomicWrite(csvFile, csv)
  yield* atomicWrite(pageFile, page)
  yield* Console.log(
    json ? JSON.stringify(found, null, 2) : `${textOf(found)}\n\nTo go through them: ${csvFile}, ${pageFile}`
  )
})
