import { Schema } from "effect"
import { intBetween, optionalSetting, setting, Share } from "../config/Setting.ts"

/** Which column of the CSV holds what. */
const Columns = Schema.Struct({
  id: setting(Schema.NonEmptyString, "id", "Column with each sample's own, unique name"),
  label: setting(Schema.NonEmptyString, "label", "Column with the class to learn")
})

/** The shares of the three parts; they add up to 1. */
export const SplitConfig = Schema.Struct({
  train: setting(Share, 0.8, "Share of each class that is trained on"),
  validation: setting(Share, 0.1, "Share that chooses the best epoch and stops early"),
  test: setting(Share, 0.1, "Share that is looked at once, at the end"),
  seed: optionalSetting(
    intBetween(0, 2 ** 32 - 1),
    "Of the split, and of the subset that `data.limit` takes; the run's `seed` where left out. Runs of other seeds that share it can be compared and averaged"
  )
}).check(
  Schema.makeFilter((split) => Math.abs(split.train + split.validation + split.test - 1) < 1e-9 && split.train > 0, {
    expected: "shares that add up to 1, with some of it to train on"
  })
)
export type SplitConfig = typeof SplitConfig.Type

/** The sample catalogue that Weft draws itself, for a first run without any data. */
export const SampleConfig = Schema.Struct({
  images: setting(intBetween(200, 100_000), 2000, "How many rows the drawn catalogue has"),
  seed: setting(intBetween(0, 2 ** 32 - 1), 1, "Seed of the drawings")
})
export type SampleConfig = typeof SampleConfig.Type

/** Where the samples come from, and which of them are kept. */
export const DataConfig = Schema.Struct({
  root: optionalSetting(
    Schema.NonEmptyString,
    "Folder with the CSV and the images, relative to the configuration file"
  ),
  sample: optionalSetting(SampleConfig, "Draw the sample catalogue instead of reading `data.root`"),
  csv: setting(Schema.NonEmptyString, "styles.csv", "The CSV file, under `data.root`"),
  delimiter: setting(Schema.Char, ",", "Character between two cells"),
  images: setting(
    Schema.String.check(
      Schema.isPattern(/\{[^{}]+\}/u, {
        expected:
          'a path that names a column in braces, such as "images/{id}.jpg" or "{file}" (or all rows have one photo)'
      })
    ),
    "images/{id}.jpg",
    "An image's path, under `data.root`; `{column}` stands for the row's cell in that column"
  ),
  allow: optionalSetting(
    Schema.Array(Schema.NonEmptyString),
    "Folders, relative to the configuration file, whose images may be read beside those under `data.root`; other images outside, also by links, are refused"
  ),
  columns: setting(Columns, {}, "Which column holds what"),
  labels: optionalSetting(Schema.Array(Schema.NonEmptyString), "Only these classes; all where left out"),
  minPerClass: setting(
    intBetween(3, 1_000_000),
    50,
    "Classes with fewer well-formed rows are left out (3 at least: every class reaches every part)"
  ),
  limit: optionalSetting(
    intBetween(30, 1e9),
    "Only so many samples: a seeded subset in which every class keeps its share"
  ),
  split: setting(SplitConfig, {}, "Shares of the three parts"),
  maxRefused: setting(Share, 0.05, "Share of the listed rows that may be faulty before the run ends with exit code 3")
}).check(
  Schema.makeFilter((data) => (data.root === undefined) !== (data.sample === undefined), {
    expected: "either `data.root` (your catalogue) or `data.sample` (the drawn one)"
  })
)
export type DataConfig = typeof DataConfig.Type
