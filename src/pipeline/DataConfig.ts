import { Result, Schema } from "effect"
import { between, intBetween, optionalSetting, setting, Share } from "../config/Setting.ts"

/** The columns of the list. */
const Columns = Schema.Struct({
  id: setting(Schema.NonEmptyString, "id", "Column with each sample's own, unique name"),
  label: setting(Schema.NonEmptyString, "label", "Column with the class to learn")
})

/** A regular expression, as JavaScript has it. */
const Pattern = Schema.NonEmptyString.check(
  Schema.makeFilter((pattern) => Result.isSuccess(Result.try(() => new RegExp(pattern, "u"))), {
    expected: "a regular expression"
  })
)

/** What decides which part a row belongs to. */
export const SplitBy = Schema.Union([
  Schema.Literal("row"),
  Schema.Struct({ column: Schema.NonEmptyString.annotate({ description: "Column with each row's part" }) }),
  Schema.Struct({
    group: Schema.Union([Schema.NonEmptyString, Schema.NonEmptyArray(Schema.NonEmptyString)]).annotate({
      description: "Column, or columns, whose equal cells keep rows in one part"
    }),
    pattern: Schema.optionalKey(
      Pattern.annotate({
        description: "What of the cell makes the group: the first group in parentheses, or the whole match"
      })
    )
  }).check(
    Schema.makeFilter(({ group, pattern }) => pattern === undefined || typeof group === "string", {
      expected: "one column where there is a pattern"
    })
  ),
  Schema.Struct({ time: Schema.NonEmptyString.annotate({ description: "Column with a number or an ISO date" }) })
])
export type SplitBy = typeof SplitBy.Type

/** The shares of the three parts; they add up to 1. */
export const SplitConfig = Schema.Struct({
  train: setting(Share, 0.8, "Share of each class for training"),
  validation: setting(Share, 0.1, "Share for choosing the best epoch and for early stopping"),
  test: setting(Share, 0.1, "Share for measuring the trained model, once, at the end"),
  by: optionalSetting(
    SplitBy,
    '`"row"`: a hash of the row\'s id decides; `{ group = "product" }`: rows with equal cells stay in one part (several columns: `["brand", "name"]`; a part of the cell: `pattern`); `{ time = "date" }`: the newest rows are the test part; `{ column = "split" }`: the part stands in a column (train, validation or test; common other words for them too). Images with the same bytes are always in one part, unless a column or the time says otherwise. Where left out, `"row"`; of class folders with part folders above them, those'
  ),
  nearDuplicates: optionalSetting(
    Schema.Literals(["together", "apart"]),
    '`"together"`: photos that look alike are in one group, and so in one part; `"apart"`, and where left out: they are counted, and divided as other rows are'
  ),
  seed: optionalSetting(
    intBetween(0, 2 ** 32 - 1),
    "Seeds the split, and the subset of `data.limit`; the run's `seed` where left out. Runs that share it have the same test set, and can be compared and averaged"
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

/** How images are fetched whose paths are URLs. */
export const UrlsConfig = Schema.Struct({
  hosts: Schema.Union([
    Schema.Literal("any"),
    Schema.NonEmptyArray(
      Schema.String.check(
        Schema.isPattern(/^(\*\.)?[^\s/*@?#]+$/u, { expected: 'a host such as "cdn.example.com" or "*.example.com"' })
      )
    )
  ]).annotateKey({
    description:
      'Hosts that images may be fetched from, such as `["cdn.example.com"]` or `["*.example.com"]`; `"any"`: all but those on private networks, which must be named'
  }),
  cache: setting(
    Schema.NonEmptyString,
    ".weft/images",
    "Folder that keeps what was fetched, relative to the configuration file; `.weft/images` of the working directory where left out. What is there is not fetched again"
  ),
  maxBytes: setting(intBetween(1, 2 ** 31 - 2), 2 ** 25, "An image with more bytes than this is not fetched"),
  timeoutSeconds: setting(between(0.1, 3600), 30, "How long a server may send nothing before it is asked again"),
  concurrency: setting(intBetween(1, 64), 8, "Images that are fetched at the same time"),
  retries: setting(intBetween(0, 10), 3, "How often an image is asked for again where its server or the network fails")
})
export type UrlsConfig = typeof UrlsConfig.Type

const defaultCsv = "styles.csv"

/** The keys that name what is read; a `data.csv` of the default's name says nothing. */
const sourcesNamed = (data: {
  readonly csv: string
  readonly folders?: boolean
  readonly jsonl?: string
  readonly parquet?: string
}): ReadonlyArray<string> => [
  ...(data.csv === defaultCsv ? [] : ["csv"]),
  ...(data.folders === true ? ["folders"] : []),
  ...(data.jsonl === undefined ? [] : ["jsonl"]),
  ...(data.parquet === undefined ? [] : ["parquet"])
]

/** The source of the samples, and which of them are kept. */
export const DataConfig = Schema.Struct({
  root: optionalSetting(
    Schema.NonEmptyString,
    "Folder with the list of images and the images, relative to the configuration file"
  ),
  sample: optionalSetting(SampleConfig, "Draw the sample catalogue instead of reading `data.root`"),
  csv: setting(
    Schema.NonEmptyString,
    defaultCsv,
    "The CSV file with a row for each image: its name under `data.root`, or an absolute path"
  ),
  folders: optionalSetting(
    Schema.Boolean,
    "Instead of a list, the images in a folder for each class under `data.root`: `CLASS/…`, or `train/CLASS/…`, `val/CLASS/…`, `test/CLASS/…`"
  ),
  jsonl: optionalSetting(
    Schema.NonEmptyString,
    "Instead of a CSV, a file with a JSON object on each line, under `data.root`; `a.b` is the column of a nested key"
  ),
  parquet: optionalSetting(
    Schema.String.check(Schema.isPattern(/\.parquet$/i, { expected: "a file or a pattern that ends with .parquet" })),
    "Instead of a CSV, a Parquet file under `data.root`, or a pattern for several: `data/train-*.parquet`"
  ),
  delimiter: optionalSetting(Schema.Char, "Character between two cells of the CSV; detected where left out"),
  images: setting(
    Schema.String.check(
      Schema.isPattern(/\{[^{}]+\}/u, {
        expected:
          'a path that names a column in braces, such as "images/{id}.jpg" or "{file}" (otherwise all rows would have the same photo)'
      })
    ),
    "images/{id}.jpg",
    "An image's path, under `data.root`; `{column}` stands for the row's cell in that column. Of Parquet, `{column}` alone may name a column with the images' bytes"
  ),
  allow: optionalSetting(
    Schema.Array(Schema.NonEmptyString),
    "Folders, relative to the configuration file, whose images may be read beside those under `data.root`; other images outside, also by links, are refused"
  ),
  urls: optionalSetting(UrlsConfig, "Images whose paths are http or https URLs; they are refused where left out"),
  columns: setting(Columns, {}, "Which column holds what"),
  labels: optionalSetting(Schema.Array(Schema.NonEmptyString), "Only these classes; all where left out"),
  minPerClass: setting(
    intBetween(3, 1_000_000),
    50,
    "Classes with fewer well-formed rows are left out (at least 3, so that every part has every class)"
  ),
  rare: optionalSetting(
    Schema.Union([Schema.Literal("leave out"), Schema.Struct({ as: Schema.NonEmptyString })]),
    '`{ as = "other" }` makes one class of all that have fewer rows than `data.minPerClass`, where these have so many together; `"leave out"`, and where left out: they are left out'
  ),
  conflicts: optionalSetting(
    Schema.Literals(["keep", "refuse", "majority"]),
    'Rows whose images are the same byte for byte and whose labels differ: `"keep"` keeps all, and is meant where left out; `"refuse"` keeps none; `"majority"` keeps those with the label that most of them have'
  ),
  limit: optionalSetting(
    intBetween(30, 1e9),
    "At most this many samples: a seeded subset in which every class keeps its share"
  ),
  corrections: optionalSetting(
    Schema.NonEmptyString,
    "Labels that people corrected, relative to the configuration file: a tagging desk's `desk.sqlite`, or a CSV with the columns `row`, `column` and `to`. They replace the list's cells while it is read; no row changes its part of the split"
  ),
  split: setting(SplitConfig, {}, "Shares of the three parts"),
  maxRefused: setting(Share, 0.05, "Share of the listed rows that may be faulty before the run ends with exit code 3")
}).check(
  Schema.makeFilter((data) => (data.root === undefined) !== (data.sample === undefined), {
    expected: "either `data.root` (your catalogue) or `data.sample` (the drawn one)"
  }),
  Schema.makeFilter((data) => sourcesNamed(data).length <= 1, {
    expected: "one of `data.csv`, `data.folders`, `data.jsonl` and `data.parquet`, which say what is read"
  })
)
export type DataConfig = typeof DataConfig.Type
