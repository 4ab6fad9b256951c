import { percent } from "../metrics/numberText.ts"
import { boundOf, confusedPairs } from "../metrics/confusedPairs.ts"
import { fromRows } from "../metrics/Confusion.ts"
import type { TestReport } from "../metrics/Report.ts"
import { visibleLine } from "../layers/terminal/visible.ts"
import type { BaselineResult } from "../run/baseline/runBaseline.ts"
import { section, table } from "./text.ts"

const shownPairs = 8

const share = (value: number | null | undefined) => (value === null || value === undefined ? "-" : percent(value))

const accuracyOf = (test: TestReport | null) => share(test?.accuracy)

/** The label columns with what was measured; the only one has no name. */
const columnsOf = (found: BaselineResult) =>
  found.columns === undefined
    ? [{ name: "", found, test: found.data.test }]
    : Object.entries(found.columns).map(([name, found]) => ({ name: visibleLine(name), found, test: found.test }))

/** Both classifiers' test accuracies in a line. */
export const accuracyText = (found: BaselineResult): string =>
  columnsOf(found)
    .map(
      ({ found: { logistic, nearest }, name }) =>
        `${name === "" ? "" : `${name}: `}test accuracy: nearest photos ${accuracyOf(nearest.test)}, logistic regression ${accuracyOf(logistic.test)}`
    )
    .join("; ")

const mark = (isChosen: boolean) => (isChosen ? "*chosen" : "")

const columnText = (network: string, { found, name, test: images }: ReturnType<typeof columnsOf>[number]): string => {
  const of = name === "" ? "" : `${name}: `
  const { logistic, nearest } = found
  const both = [
    ["nearest photos", nearest.test],
    ["logistic regression", logistic.test]
  ] as const
  const { test } = logistic
  const labels = test?.perClass.map(({ label }) => label) ?? []
  const pairs = test === null ? [] : confusedPairs(fromRows(test.confusion), labels, shownPairs)
  return [
    section(
      `${of}Test (${images} images), on ${found.features} features of ${network}`,
      table([
        ["", "accuracy", "weighted F1", "macro F1"],
        ...both.map(([name, test]) => [name, accuracyOf(test), share(test?.weighted.f1), share(test?.macro.f1)])
      ])
    ),
    section(
      `${of}Chosen on the validation part`,
      table([
        ["", "validation accuracy", ""],
        ...nearest.tried.map((one) => [`${one.neighbours} nearest`, share(one.validationAccuracy), mark(one.isChosen)]),
        ...logistic.tried.map((one) => [
          `penalty ${one.strength}`,
          share(one.validationAccuracy),
          `${mark(one.isChosen)}${one.isConverged ? "" : " (stopped before its minimum)"}`
        ])
      ])
    ),
    ...(pairs.length === 0
      ? []
      : [
          section(
            `${of}Hardest pairs of the logistic regression (${boundOf(pairs)})`,
            table([
              ["true", "taken for", "times", "of the class", "samples"],
              ...pairs.map(({ count, predictedLabel, share, support, trueLabel }) => [
                visibleLine(trueLabel),
                visibleLine(predictedLabel),
                count,
                percent(share),
                support
              ])
            ])
          )
        ])
  ].join("\n")
}

/** A baseline for people. */
export const baselineText = (found: BaselineResult): string => {
  const columns = columnsOf(found)
  const seconds = (of: (found: Pick<BaselineResult, "logistic" | "nearest">) => number) =>
    columns.reduce((sum, { found }) => sum + of(found), 0).toFixed(1)
  return [
    ...columns.map((column) => columnText(found.network, column)),
    section(
      "What training may add",
      "A head that is trained alone is such a regression, and reaches about the same. Training the other layers too is mostly\n" +
        "more accurate: of 16 networks on 12 catalogues, on most (Kornblith, Shlens and Le, Do Better ImageNet Models Transfer\n" +
        "Better?, 2019). How much it adds on your photos only a run can show."
    ),
    `Features in ${found.featureSeconds.toFixed(0)} s; five regressions${columns.length === 1 ? "" : " a column"} in ${seconds(({ logistic }) => logistic.seconds)} s, nearest photos of the test part in ${seconds(({ nearest }) => nearest.seconds)} s`
  ].join("\n")
}
