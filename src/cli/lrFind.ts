import { Console, Effect, Option, Terminal } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { ConfigError } from "../config/RunConfig.ts"
import type { LearningRates } from "../run/train/findLearningRate.ts"
import { findLearningRate } from "../run/train/findLearningRate.ts"
import * as options from "./options.ts"
import { logPlot } from "./plot.ts"
import { newConfig } from "./newConfig.ts"
import * as plain from "./plainFlags.ts"
import { report } from "../pipeline/Progress.ts"
import { weftCommand } from "../config/weftCommand.ts"

const height = 14
/** Losses are drawn up to this multiple of the first, as a diverging loss would flatten the rest of the curve. */
const highest = 1.25
/** The width where there is no terminal: a pipe, a file. */
const usualWidth = 80

const above = (name: string, least: number) =>
  Flag.Finite(name).pipe(
    Flag.filter(
      (value) => value >= least && value <= 1e4,
      (value) => `expected ${least} to 10000, got ${value}`
    )
  )

const flags = {
  path: Argument.String("path").pipe(
    Argument.withDescription("A catalogue, as `train` takes it: a folder of photos, or a list"),
    Argument.optional
  ),
  data: plain.data,
  label: plain.label,
  size: plain.size,
  network: plain.network,
  config: Flag.optional(options.config),
  set: options.set,
  from: above("from", 1e-12).pipe(Flag.withDescription("The first learning rate"), Flag.withDefault(1e-7)),
  to: above("to", 1e-12).pipe(Flag.withDescription("The last learning rate"), Flag.withDefault(10)),
  steps: Flag.Int("steps").pipe(
    Flag.withDescription("How many batches are trained on"),
    Flag.withDefault(100),
    Flag.filter(
      (steps) => steps >= 10 && steps <= 10_000,
      (steps) => `expected 10 to 10000 steps, got ${steps}`
    )
  ),
  json: options.json
}

/** Two digits are enough for a learning rate. */
const rate = (value: number) => String(Number(value.toPrecision(2)))

const textOf = (
  { curve, from, stoppedEarly, suggestions: { steepest, valley }, steps, to }: LearningRates,
  width: number
) => {
  if (valley === null || steepest === null)
    return `No suggestion: the loss is not a number even at a learning rate of ${from}. Try a smaller --from.`
  const ceiling = highest * (curve[0]?.smoothedLoss ?? 0)
  const points = curve.map(({ learningRate, smoothedLoss }) => ({
    x: learningRate,
    y: Math.min(smoothedLoss, ceiling)
  }))
  return [
    `Loss (smoothed) over the learning rate, ${curve.length} of ${steps} steps from ${from} to ${to}`,
    logPlot(points, [valley], { height, width }),
    "",
    ...(stoppedEarly
      ? ["The sweep ended early: the loss was more than four times the smallest, or not a number."]
      : []),
    `Suggestion: train.learningRate = ${rate(valley)} (in the valley, ▲); the loss falls fastest at ${rate(steepest)}.`
  ].join("\n")
}

/** Suggests a learning rate by training for some steps at rates that grow. */
export const lrFind = Command.make(
  "lr-find",
  flags,
  Effect.fnUntraced(function* ({ config: file, from, json, path, set, steps, to, ...given }) {
    if (from >= to)
      return yield* new ConfigError({ where: `--from ${from} --to ${to}`, problems: ["expected --from below --to"] })
    const values = { ...given, epochs: Option.none<number>() }
    const { config, lines } = yield* newConfig({ path, file, values, sets: set })
    // The second line is the plan of a training.
    yield* Effect.forEach(lines.slice(0, 1), (line) => report({ _tag: "Note", line }), { discard: true })
    const found = yield* findLearningRate(config, { from, to, steps }).pipe(plain.namingFlags(plain.given(values)))
    if (json) return yield* Console.log(JSON.stringify(found, null, 2))
    const columns = yield* Effect.flatMap(Terminal.Terminal, (terminal) => terminal.columns)
    yield* Console.log(textOf(found, columns > 0 ? columns : usualWidth))
  })
).pipe(
  Command.withDescription("Suggests a learning rate: trains for some steps at rates that grow, and keeps no weights"),
  Command.withExamples([
    { command: weftCommand("lr-find"), description: "For the sample catalogue" },
    { command: weftCommand("lr-find photos/"), description: "For a folder of photos, a folder for each class" },
    {
      command: weftCommand("lr-find --config shop.toml --from 1e-6 --to 1 --steps 200"),
      description: "For a catalogue of your own, between two bounds"
    }
  ])
)
