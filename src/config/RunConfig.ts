import { Effect, Schema, SchemaIssue } from "effect"
import * as Runtime from "effect/Runtime"
import { configKeys } from "./configKeys.ts"
import { EngineConfig } from "../model/EngineConfig.ts"
import { FeaturesConfig } from "../model/Features.ts"
import { CalibrationConfig } from "../model/measure.ts"
import { EvaluateConfig } from "../model/Predictor.ts"
import { NetworkConfig } from "../model/NetworkConfig.ts"
import { TrainConfig } from "../model/TrainConfig.ts"
import { didYouMean, isSectionText, meantChoice } from "./keySuggestion.ts"
import { AugmentConfig } from "../pipeline/AugmentConfig.ts"
import { DataConfig, hasValidation } from "../pipeline/DataConfig.ts"
import { ImageConfig } from "../pipeline/ImageConfig.ts"
import { LoaderConfig } from "../pipeline/LoaderConfig.ts"
import { intBetween, optionalSetting, setting } from "./Setting.ts"

/** Every number that a run depends on, with its bounds. */
export const RunConfig = Schema.Struct({
  name: setting(
    Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/u, { expected: "letters, digits, . _ and -" })),
    "run",
    "The run's name, part of its folder's"
  ),
  seed: setting(
    intBetween(0, 2 ** 32 - 1),
    1,
    "Seeds the split, the order, the augmentation, the initial weights and dropout"
  ),
  data: DataConfig.annotateKey({ description: "The source of the samples, and which of them are kept" }),
  image: setting(ImageConfig, {}, "How a file becomes numbers"),
  augment: setting(AugmentConfig, {}, "Random changes to the training images"),
  loader: setting(LoaderConfig, {}, "How fast the images are prepared; changes no result"),
  network: setting(NetworkConfig, {}, "What is trained"),
  features: setting(FeaturesConfig, {}, "How the frozen part of the network is applied"),
  train: setting(TrainConfig, {}, "How it is trained"),
  evaluate: setting(EvaluateConfig, {}, "How the trained network is applied"),
  calibration: optionalSetting(
    CalibrationConfig,
    "Probabilities are brought in line with how often they are right, on the validation part; off where left out"
  ),
  engine: setting(EngineConfig, {}, "What computes"),
  experiment: optionalSetting(
    Schema.Literals(["fashion-2019"]),
    "A published experiment that the run repeats: its results stand beside the run's on the page. `fashion-2019`: Fashion Product Images (Small), 70 article types"
  ),
  tensorboard: setting(
    Schema.Boolean,
    false,
    "Curves for TensorBoard too, in the run's folder: `tensorboard --logdir runs`; each epoch is there when it is done"
  )
}).check(
  Schema.makeFilter(({ calibration, data }) => calibration === undefined || hasValidation(data.split), {
    expected: "a `data.split.validation` above 0 where there is a `calibration`"
  }),
  Schema.makeFilter(({ data, train }) => train.earlyStopping === undefined || hasValidation(data.split), {
    expected:
      "a `data.split.validation` above 0 where there is a `train.earlyStopping`, which watches the validation part"
  })
)
export type RunConfig = typeof RunConfig.Type

/** The configuration or the command line is wrong. Exit code 2. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** The file or flag that is wrong. */
  where: Schema.String,
  problems: Schema.Array(Schema.String)
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return this.problems.length === 1
      ? `${this.where}: ${this.problems[0]}`
      : `${this.where}:\n${this.problems.map((problem) => `  - ${problem}`).join("\n")}`
  }
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Most problems that are named: a file with more of them is probably not a configuration. */
const mostProblems = 20

/** Most characters of a key or a value that a message shows. */
const mostShown = 200

const shortened = (text: string): string => (text.length > mostShown ? `${text.slice(0, mostShown)}…` : text)

/** Adds how to write a value that was read as another type than was meant. */
const withQuotes = (path: string, message: string): string => {
  const bare = /^Expected string, got ([^"{[\n]{1,100})$/.exec(message)?.[1]
  if (bare !== undefined)
    return `Expected text, got ${bare}, which wants quotes: "${bare}" (on the command line --set '${path}="${bare}"')`
  return /^Expected (an integer|a finite number|number|a value between).*, got "-?[\d.]+"$/.test(message)
    ? `${message}, which is a text; leave the quotes out`
    : message
}

/** The choices and the value of "Expected "sgd" | "adam", got "adm"": what was meant by it, where that can be told. */
const choiceMeant = (message: string): string => {
  const [, choices = "", value] = /^Expected ("[^"]*"(?: \| "[^"]*")*), got "([^"]{1,100})"$/.exec(message) ?? []
  return value === undefined
    ? ""
    : meantChoice(
        value,
        Array.from(choices.matchAll(/"([^"]*)"/g), ([, one = ""]) => one)
      )
}

const explain = (keys: () => ReadonlyArray<string>, path: string, message: string): string => {
  if (!message.startsWith("Unexpected key"))
    // The message repeats single values only: a whole section would bury what was expected.
    return `${path === "" ? "the configuration" : `\`${shortened(path)}\``}: ${
      (message.startsWith("Expected object") ? isSectionText(path, keys()) : undefined) ??
      withQuotes(path, message.replace(/, got [{[].*$/s, "")) + choiceMeant(message)
    }`
  return `there is no key \`${shortened(path)}\`${didYouMean(path, keys())}`
}

/** A value from outside, decoded and checked by a configuration's Schema; every problem is named with its key. */
export const decodeConfig = <A, I>(schema: Schema.Codec<A, I>, raw: unknown, where: string) => {
  let known: ReadonlyArray<string> | undefined
  const keys = () => (known ??= configKeys(schema).map(({ path }) => path))
  return Schema.decodeUnknownEffect(schema, { errors: "all", onExcessProperty: "error", reportInput: true })(raw).pipe(
    Effect.mapError((error) => {
      const { issues } = formatIssues(error.issue)
      const more = issues.length - mostProblems
      const problems = issues
        .slice(0, mostProblems)
        .map((issue) =>
          explain(
            keys,
            (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
            issue.message
          )
        )
      return new ConfigError({ where, problems: more > 0 ? [...problems, `and ${more} more problems`] : problems })
    })
  )
}

/** A run's configuration from outside, decoded and checked; every problem is named with its key. */
export const decodeRunConfig = (raw: unknown, where: string) => decodeConfig(RunConfig, raw, where)
