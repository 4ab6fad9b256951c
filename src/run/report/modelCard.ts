import { sumText } from "../../pipeline/Ledger.ts"
import { enginesText } from "../../metrics/enginesUsed.ts"
import { duration } from "../../metrics/numberText.ts"
import { confusedPairs, enoughFirst, enoughSamples } from "../../metrics/confusedPairs.ts"
import { wilson } from "../../metrics/wilson.ts"
import { metrics, shownAt, valueIn } from "../../metrics/metrics.ts"
import { namedLosses } from "../../metrics/namedLosses.ts"
import { escape } from "./html.ts"
import { count, interval, loss, networkName, share } from "./format.ts"
import { sharedText } from "../../pipeline/leakage.ts"
import type { DataConfig } from "../../pipeline/DataConfig.ts"
import { labelColumnsOf } from "../../pipeline/LabelColumnConfig.ts"
import type { Measured } from "./leakageAnalysis.ts"
import type { RunAnalysis } from "./RunAnalysis.ts"
import type { RunFacts } from "./RunFacts.ts"
import { weftCommand } from "../../config/weftCommand.ts"

/** The metrics of a class with fewer test samples are uncertain: Wilson's interval of 0.9 is 0.21 wide. */
const few = 30
/** A class with a lower recall than this is listed among the limits. */
const weak = 0.7
/** Classes whose sizes differ by more than this factor are mentioned among the limits. */
const uneven = 10
/** The most classes that a limit names. */
const named = 15

/** Text from outside in Markdown: no markup of its own, no line break, no end of a table's cell. */
export const inMarkdown = (text: string): string =>
  text
    .replace(/[\r\n]+/g, " ")
    .replace(/[\\`*_{}[\]|#$~]/g, (character) => `\\${character}`)
    .replace(/[&<>]/g, (character) => escape(character))

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>) =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")

const list = (labels: ReadonlyArray<string>) =>
  labels.slice(0, named).map(inMarkdown).join(", ") +
  (labels.length > named ? `, and ${labels.length - named} more` : "")

/** Hugging Face's metadata, as far as they are known. JSON is YAML too, so nothing needs to be escaped. */
const metadata = ({ config, name, report: { model, test } }: RunFacts) => {
  const { weights } = config.network
  const repository = weights?.startsWith("hf:") ? weights.slice(3).split(/[@/]/).slice(0, 2).join("/") : undefined
  const hub = metrics.flatMap((metric) =>
    metric.huggingFace === undefined ? [] : [{ metric, type: metric.huggingFace }]
  )
  return {
    library_name: "weft",
    pipeline_tag: "image-classification",
    tags: ["image-classification", "weft", model.network],
    ...(repository !== undefined && { base_model: repository }),
    ...(test !== null && {
      metrics: hub.map(({ type }) => type),
      "model-index": [
        {
          name,
          results: [
            {
              task: { type: "image-classification" },
              dataset: {
                name: config.data.sample ? "Weft's drawn sample" : "own catalogue",
                type: "csv",
                split: "test"
              },
              metrics: hub.flatMap(({ metric, type }) => {
                const value = valueIn(test, metric)
                return value === null ? [] : [{ type, value }]
              })
            }
          ]
        }
      ]
    })
  }
}

const limits = ({ report: { data, test } }: RunFacts, { test: analysis }: RunAnalysis): ReadonlyArray<string> => {
  const everywhere = [
    "It knows its classes and no other: a photo of anything else is given one of them. Watch the probability, and withhold answers below one that suits you.",
    "It has seen photos of one catalogue. On photos taken otherwise (backgrounds, light, several things at once) it is worse than the metrics here; by how much has not been measured.",
    "The labels are the catalogue's own; their errors were learned, and count in the metrics."
  ]
  if (test === null || analysis === null)
    return ["It has not been measured: the split has no test part.", ...everywhere]
  const rare = test.perClass.filter(({ support }) => support < few).map(({ label }) => label)
  const hard = test.perClass
    .filter(({ recall, support }) => support > 0 && recall < weak)
    .sort((a, b) => enoughFirst(a, b) || a.recall - b.recall)
    .map(({ label, recall }) => `${label} (${share(recall)})`)
  const confused = confusedPairs(
    analysis.confusion,
    test.perClass.map(({ label }) => label),
    5
  )
    .filter(({ support }) => support >= enoughSamples)
    .map(({ predictedLabel, share: of, trueLabel }) => `${trueLabel} for ${predictedLabel} (${share(of)})`)
  const { calibration } = analysis
  const error = calibration && (calibration.applied ? calibration.metrics.eceAfter : calibration.metrics.eceBefore)
  const sizes = (data.perClass ?? []).map(({ train }) => train).filter((n) => n > 0)
  const [largest, smallest] = [Math.max(0, ...sizes), Math.min(...sizes)]
  return [
    ...(hard.length > 0 ? [`Classes of which it recognises less than ${share(weak)}: ${list(hard)}.`] : []),
    ...(confused.length > 0
      ? [`Most often taken for one another (classes with ${enoughSamples} test photos or more): ${list(confused)}.`]
      : []),
    ...(rare.length > 0 ? [`Fewer than ${few} test photos each, so their metrics are uncertain: ${list(rare)}.`] : []),
    ...(largest >= uneven * smallest
      ? [
          `Its classes are of very different size: ${count(largest)} training photos in the largest, ${count(smallest)} in the smallest. What is rare is missed more often.`
        ]
      : []),
    ...(error !== null && error !== undefined
      ? [
          `Its probabilities are ${calibration?.applied ? "calibrated (temperature scaling)" : "not calibrated"}: they are off by ${share(error)} on average (expected calibration error, test part).`
        ]
      : []),
    ...everywhere
  ]
}

/** How the rows were divided, in a sentence. */
const divisionText = ({ split }: RunFacts["config"]["data"]): string => {
  const { fold } = split
  const of = fold === undefined ? "" : ` Of what is not tested, fold ${fold.number} of ${fold.of} is to validate.`
  return `${ruleText(split)}${of}`
}

/** What decides the part of a row. */
const ruleText = ({ by, nearDuplicates }: RunFacts["config"]["data"]["split"]): string => {
  if (typeof by === "object" && "column" in by) return `as the column \`${inMarkdown(by.column)}\` says.`
  if (typeof by === "object" && "time" in by)
    return `the newest by the column \`${inMarkdown(by.time)}\` to test, those before them to validate.`
  const together = nearDuplicates === "together" ? ", and photos that look alike" : ""
  const what =
    typeof by === "object"
      ? `rows with equal cells in ${[by.group]
          .flat()
          .map((column) => `\`${inMarkdown(column)}\``)
          .join(", ")} together${together}`
      : nearDuplicates === "together"
        ? "photos that look alike together"
        : undefined
  return what === undefined
    ? "stratified by class, by a hash of seed and id."
    : `stratified by class, by a hash of seed and group: ${what}.`
}

/** What the test part shares with the training part, and what that is worth. */
const leakageText = ({ leakage }: RunAnalysis): string => {
  if (leakage === null) return "Not known: what the parts share was not recorded."
  const { all, found, none, shared } = leakage
  const row = (name: string, samples: number, measured: Measured | null) => [
    name,
    count(samples),
    ...(measured === null ? ["–", "–"] : [share(measured.accuracy), interval(measured.accuracyInterval)])
  ]
  const notes = found.notes.map((note) => `- ${inMarkdown(note)}`).join("\n")
  return `${notes === "" ? "" : `${notes}\n\n`}Test photos that share something with a photo that was trained on, and the accuracy with and without them (products with several photos may be easier in any case):

${table(
  ["test photos", "photos", "accuracy", "95 %"],
  [
    row("all", found.test, all),
    ...shared.flatMap(({ of, others, own }) => [
      row(`share ${inMarkdown(sharedText(of))}`, of.test, own),
      row("do not share it", found.test - of.test, others)
    ]),
    row("share nothing", leakage.free, none)
  ]
)}`
}

/** A setting's value: a number, or those of its own settings, in brackets. */
const settingText = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? `(${Object.entries(value)
        .map(([key, one]) => `${key} ${settingText(one)}`)
        .join(", ")})`
    : String(value)

/**
 * A run's `MODEL_CARD.md`: the model, its data, its metrics and its limits, all from the run.
 *
 * Facts that only people know (licence, contact, intended and excluded uses) are left for them to fill in.
 * Source: Mitchell et al., Model Cards for Model Reporting, 2019; the metadata as Hugging Face reads them.
 */
export const modelCard = (facts: RunFacts, analysis: RunAnalysis): string => {
  const { config, report } = facts
  const { data, history, model, receipt, test } = report
  const { augment, image, network, train } = config
  const trained = network.trainable === "all" ? "every block" : JSON.stringify(network.trainable)
  const changed = enginesText(history)
  const { mixSwitch, ...amounts } = augment
  const changes = Object.entries({ ...amounts, ...(augment.mixup > 0 && augment.cutmix > 0 && { mixSwitch }) })
    .filter(([, amount]) => typeof amount !== "number" || amount > 0)
    .map(([name, amount]) => `${name} ${settingText(amount)}`)
  return `---
${Object.entries(metadata(facts))
  .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
  .join("\n")}
---

# ${inMarkdown(facts.name)}

An image classifier: ${networkName(model)}, ${count(model.parameters)} parameters, ${count(data.classes)} classes, ${image.width}x${image.height} pixels.
This card was filled from the run that trained it. To be added by its owner: licence, contact, intended and excluded uses.

## Use

It says which of its classes a photo most likely shows, with a probability for each${
    report.calibration ? ` (calibrated, temperature ${report.calibration.temperature.toFixed(3)})` : ""
  }.

\`\`\`sh
${weftCommand(`predict --run ${facts.path} photo.jpg`)}
\`\`\`

## Data

${sumText(data)}:
${count(data.train)} to train on, ${count(data.validation)} to validate, ${count(data.test)} to test; ${divisionText(config.data)}
${config.data.sample ? "They are the sample catalogue that Weft draws, not photos." : labelsText(config.data)}
SHA-256 of the data: \`${receipt.dataDigest}\`.

<details><summary>${count(data.classes)} classes</summary>

${(test?.perClass ?? data.perClass ?? []).map(({ label }) => inMarkdown(label)).join(", ")}

</details>

## Training

${network.weights === undefined ? "From random weights" : `From the weights ${inMarkdown(network.weights)}`}, trained: ${trained}. ${history.length} ${history.length === 1 ? "epoch" : "epochs"} of batches of ${train.batchSize}, ${train.optimizer.kind} at a learning rate of ${train.learningRate} (${train.schedule.kind}); the weights are those of epoch ${report.chosenEpoch}.
Augmentation: ${changes.length === 0 ? "none" : changes.join(", ")}.
${duration(report.seconds)} on ${report.engine.name} (${report.engine.device}).${changed === undefined ? "" : ` ${inMarkdown(changed)}`} Seed ${config.seed}; configuration \`${receipt.configDigest}\`.

## Metrics

${
  test === null || analysis.test === null
    ? "None: the split has no test part."
    : `On the ${count(data.test)} test photos, which were not used in the training:

${table(
  ["metric", "value", "95 %"],
  [
    ...shownAt("modelCard", test).map(({ metric, text }) => {
      const bounds = analysis.test?.intervals.get(metric.path)
      const without = metric.note?.(test) ?? ""
      return [metric.title, text, bounds ? `${interval(bounds)} (${metric.interval?.method})` : without]
    }),
    ...namedLosses(test.loss, report.calibration?.test).map((one) => [`${one.name} (nats)`, loss(one.loss), ""])
  ]
)}

<details><summary>Each class</summary>

${table(
  ["class", "precision", "recall", "F1", "test photos"],
  test.perClass.map(({ f1, label, precision, recall, support }) => [
    inMarkdown(label),
    share(precision),
    share(recall),
    share(f1),
    count(support)
  ])
)}

</details>`
}

${columnsText(analysis)}## Leakage

${leakageText(analysis)}

## Limits

${limits(facts, analysis)
  .map((limit) => `- ${limit}`)
  .join("\n")}
`
}

const labelsText = (data: DataConfig): string => {
  const names = labelColumnsOf(data).map(({ column }) => `\`${column}\``)
  return `The labels are the ${names.length === 1 ? "column" : "columns"} ${names.join(", ")} of the catalogue.`
}

/** The metrics of each of several label columns, with a heading; nothing where there is one. */
const columnsText = ({ columns }: RunAnalysis): string =>
  columns.length === 0
    ? ""
    : `## Label columns

One network with a head for each column; a photo whose label is not known in a column counts in none of its metrics. The metrics above are the first column's.

${table(
  ["column", "classes", "test photos", "accuracy", "95 %", "weighted F1", "macro F1"],
  columns.map(({ analysis: { test }, name, values }) => {
    const found = test?.test
    const samples = found?.samples ?? 0
    const accuracy = found?.accuracy ?? null
    return [
      `${inMarkdown(name)}${values === "several" ? " (several values)" : ""}`,
      count(found?.perClass.length ?? 0),
      count(samples),
      share(accuracy),
      accuracy === null ? "–" : interval(wilson(Math.round(accuracy * samples), samples)),
      share(found?.weighted.f1),
      share(found?.macro.f1)
    ]
  })
)}

`
