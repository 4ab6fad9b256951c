import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { accuracyText, baselineText } from "./baselineText.ts"
import { changedConfig, readConfig } from "./readConfig.ts"
import { begin, pathOf } from "./begin.ts"
import * as labelErrors from "./labelErrors.ts"
import * as options from "./options.ts"
import * as plain from "./plainFlags.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"
import { report } from "../pipeline/Progress.ts"
import { runBaseline } from "../run/baseline/runBaseline.ts"

/** Measures what frozen features are good for, before anything is trained. */
export const baseline = Command.make(
  "baseline",
  {
    path: Argument.String("path").pipe(
      Argument.withDescription("A catalogue, as `train` takes it: a folder of photos, or a list"),
      Argument.optional
    ),
    config: options.config.pipe(Flag.optional),
    data: plain.data,
    label: plain.label,
    epochs: plain.epochs,
    size: plain.size,
    network: plain.network,
    set: options.set,
    labelErrors: labelErrors.labelErrors,
    count: labelErrors.count,
    json: options.json
  },
  Effect.fnUntraced(function* ({ config: file, count, json, labelErrors: folder, path: argument, set, ...values }) {
    const given = plain.given(values)
    const path = yield* pathOf(argument, values.data)
    if (Option.isSome(argument) && Option.isSome(file))
      return yield* new ConfigError({
        where: `${argument.value} --config ${file.value}`,
        problems: ["a catalogue alone is measured with defaults, and a configuration says all itself: leave one out"]
      })
    const configOf = Effect.gen(function* () {
      if (Option.isSome(file) || Option.isNone(path))
        return yield* readConfig(
          Option.getOrElse(file, () => options.defaultConfig),
          set,
          given
        )
      const { config } = yield* begin(path.value, values, given, set)
      return (yield* changedConfig(config, path.value, set, given)).config
    })
    if (Option.isSome(folder))
      return yield* labelErrors.writeLabelErrors(yield* configOf, { count, folder: folder.value, json })
    const found = yield* runBaseline(yield* configOf)
    yield* report({ _tag: "Note", line: accuracyText(found) })
    yield* Console.log(json ? JSON.stringify(found, null, 2) : baselineText(found))
  })
).pipe(
  Command.withDescription(
    "Measures what a trained network's features are good for on a catalogue, before anything is trained: the vote of the nearest training photos, and a logistic regression, both chosen on the validation part"
  ),
  Command.withExamples([
    {
      command: weftCommand("baseline --config configs/fashion/mobilenet-v2-frozen.toml"),
      description: "By a configuration's network and weights"
    },
    {
      command: weftCommand("baseline --config shop.toml --set network.name=onnx --set network.weights=vision.onnx"),
      description: "By any ONNX file"
    },
    {
      command: weftCommand("baseline shop/ --label-errors review"),
      description: "The training labels that are likely wrong, to go through"
    }
  ])
)
