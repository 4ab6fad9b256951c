import { Schema } from "effect"
import { isTable } from "../../config/configTable.ts"
import { intBetween, optionalSetting, setting } from "../../config/Setting.ts"
import { goalProblem, isEpochMetric, Objective } from "./objective.ts"

const Range = Schema.Struct({
  from: Schema.Finite.annotateKey({ description: "The least value" }),
  to: Schema.Finite.annotateKey({ description: "The greatest value" }),
  scale: setting(
    Schema.Literals(["linear", "log"]),
    "linear",
    "Even steps and draws in the value, or in its logarithm (`from` is then above 0)"
  ),
  steps: optionalSetting(intBetween(2, 1000), "grid: how many values, both ends among them; needed there")
}).check(
  Schema.makeFilter(({ from, to }) => from < to, { expected: "`from` below `to`" }),
  Schema.makeFilter(({ from, scale }) => scale === "linear" || from > 0, {
    expected: "a `from` above 0 where the scale is `log`"
  })
)
/** The values between two bounds. */
export type Range = typeof Range.Type

/** One direction of the space: a key, and the values that it may have. */
export const Axis = Schema.Struct({
  path: Schema.String.check(
    Schema.isPattern(/^(?!.*__proto__)[^.\s]+(\.[^.\s]+)*$/u, {
      expected: "a key of a run, such as train.learningRate"
    })
  ).annotateKey({ description: "The key of a run that takes the values: `train.learningRate`" }),
  values: optionalSetting(
    Schema.NonEmptyArray(Schema.Unknown),
    "A list of values; a table replaces a whole section: `{ name = …, weights = … }` for `network`"
  ),
  range: optionalSetting(Range, "The values between two bounds, instead of a list")
}).check(
  Schema.makeFilter(({ range, values }) => (range === undefined) !== (values === undefined), {
    expected: "either `values` or a `range`"
  })
)
export type Axis = typeof Axis.Type

const Grid = Schema.Struct({ kind: Schema.Literal("grid") })
/** Drawn points. */
export const Random = Schema.Struct({
  kind: Schema.Literal("random"),
  trials: setting(intBetween(1, 10_000), 20, "random: how many points are drawn")
})
/** Successive halving: all begin, and the best go on. */
export const Halving = Schema.Struct({
  kind: Schema.Literal("halving"),
  factor: setting(intBetween(2, 100), 3, "halving: one in this many trials goes on, for this many times the epochs"),
  minEpochs: setting(intBetween(1, 100_000), 1, "halving: epochs before the first trials are stopped"),
  trials: optionalSetting(intBetween(1, 10_000), "halving: how many points are drawn; where left out, the whole grid")
})

/** The most points of a grid: one more value on a few axes can make a number that nobody meant. */
const mostPoints = 10_000

/** Whether the points are those of the grid, not drawn ones. */
export const isGrid = ({ strategy }: Pick<SearchConfig, "strategy">): boolean =>
  strategy.kind === "grid" || (strategy.kind === "halving" && strategy.trials === undefined)

/** How many points a grid has. */
const gridPoints = ({ axes }: Pick<SearchConfig, "axes">): number =>
  axes.reduce((product, { range, values }) => product * (values?.length ?? range?.steps ?? 1), 1)

/** How many points are drawn. */
const drawnPoints = ({ strategy }: Pick<SearchConfig, "strategy">): number =>
  strategy.kind === "grid" ? 0 : (strategy.trials ?? 0)

/** Fails where an axis comes after one that sets a key inside its section, which it would undo. */
const orderProblem = (axes: ReadonlyArray<Axis>): string | undefined => {
  for (const [i, { path }] of axes.entries())
    for (const before of axes.slice(0, i)) {
      if (before.path === path) return `one axis over \`${path}\`, not two`
      if (before.path.startsWith(`${path}.`))
        return `the axis over \`${path}\` before the one over \`${before.path}\`, which it would undo`
    }
  return undefined
}

/** Seeds, each one once. */
const Seeds = Schema.Array(intBetween(0, 2 ** 32 - 1)).check(
  Schema.isMinLength(2),
  Schema.makeFilter((seeds) => new Set(seeds).size === seeds.length, { expected: "different seeds" })
)

/** How often every setting is trained. */
export const repetitionsOf = ({ folds = 1, seeds = 1 }: Pick<SearchConfig, "folds" | "seeds">): number =>
  folds * (typeof seeds === "number" ? seeds : seeds.length)

const foldKey = "data.split.fold"

/** What is wrong where folds or seeds are set twice, as sentences. */
const repetitionProblem = ({ axes, base, folds, seeds }: Pick<SearchConfig, "axes" | "base" | "folds" | "seeds">) => {
  const isWithin = (path: string, key: string) => path === key || path.startsWith(`${key}.`)
  if (folds !== undefined && axes.some(({ path }) => isWithin(path, foldKey)))
    return { path: ["folds"], issue: `Expected no axis over \`${foldKey}\`, which \`folds\` sets` }
  if (folds !== undefined && hasKey(base, foldKey.split(".")))
    return { path: ["folds"], issue: `Expected no \`base.${foldKey}\`: it names one fold, and \`folds\` trains all` }
  if (seeds !== undefined && axes.some(({ path }) => path === "seed"))
    return { path: ["seeds"], issue: "Expected no axis over `seed`, which `seeds` sets" }
  return undefined
}

const hasKey = (table: unknown, [key, ...rest]: ReadonlyArray<string>): boolean =>
  key === undefined ? table !== undefined : isTable(table) && hasKey(table[key], rest)

/** A search: the configuration that its trials share, the keys that vary, and the objective. */
export const SearchConfig = Schema.Struct({
  name: setting(
    Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/u, { expected: "letters, digits, . _ and -" })),
    "search",
    "The search's name, part of its folder's and of its trials'"
  ),
  seed: setting(intBetween(0, 2 ** 32 - 1), 1, "Seeds the drawn points; the trials' own seed is `base.seed`"),
  base: Schema.Record(Schema.String, Schema.Unknown).annotateKey({
    description: "What all trials have in common: any keys of a run"
  }),
  axes: Schema.NonEmptyArray(Axis).annotateKey({
    description: "The keys that vary, one `[[axes]]` each; in a grid, the last one varies fastest"
  }),
  folds: optionalSetting(
    intBetween(2, 100),
    "Cross-validation: every setting is trained once for each of so many folds, and ranked by the mean of its objective. The test part is the same for all folds. Of a single run, `data.split.fold`"
  ),
  seeds: optionalSetting(
    Schema.Union([intBetween(2, 1000), Seeds]).annotate({ expected: "a number from 2 on, or two different seeds" }),
    "Every setting is trained once with each of these seeds (`[1, 2, 3]`), or with so many from the base's `seed` on (`3`), and ranked by the mean of its objective. The test part stays that of the base's seed; with `folds`, each seed has folds of its own"
  ),
  strategy: setting(
    Schema.Union([Grid, Random, Halving]).annotate({ expected: 'kind = "grid", "random" or "halving"' }),
    { kind: "grid" },
    "`grid`: every combination. `random`: drawn points. `halving`: all trials begin, and after each rung only the best go on"
  ),
  objective: setting(Objective, {}, "The metric that decides which trial is the best"),
  together: setting(
    intBetween(1, 1000),
    4,
    "The most trials that train their whole network in one pass: each has its weights, gradients and optimiser's state in memory. Trials with a common frozen part always share its pass"
  )
}).check(
  Schema.makeFilter(({ axes }) => {
    const problem = orderProblem(axes)
    return problem === undefined ? undefined : { path: ["axes"], issue: `Expected ${problem}` }
  }),
  Schema.makeFilter(repetitionProblem),
  Schema.makeFilter((search) => {
    const trials = repetitionsOf(search) * (isGrid(search) ? gridPoints(search) : drawnPoints(search))
    return repetitionsOf(search) === 1 || trials <= mostPoints
      ? undefined
      : { path: [], issue: `Expected at most ${mostPoints} trials with all folds and seeds, got ${trials}` }
  }),
  Schema.makeFilter((search) => {
    if (!isGrid(search)) return undefined
    const endless = search.axes.find(({ range }) => range !== undefined && range.steps === undefined)
    if (endless !== undefined)
      return {
        path: ["axes"],
        issue: `Expected \`steps\` in the range of \`${endless.path}\`: a grid needs the number of its values`
      }
    const points = gridPoints(search)
    return points <= mostPoints
      ? undefined
      : {
          path: ["axes"],
          issue: `Expected a grid of at most ${mostPoints} points, got ${points}; draw some: strategy = { kind = "random" }`
        }
  }),
  Schema.makeFilter(({ objective }) => {
    const problem = goalProblem(objective)
    return problem === undefined ? undefined : { path: ["objective"], issue: problem }
  }),
  Schema.makeFilter(({ objective, strategy }) =>
    strategy.kind !== "halving" || isEpochMetric(objective.metric)
      ? undefined
      : {
          path: ["objective", "metric"],
          issue: `Expected a metric that every epoch has, such as validationLoss, where the strategy is halving, got ${JSON.stringify(objective.metric)}`
        }
  )
)
export type SearchConfig = typeof SearchConfig.Type
