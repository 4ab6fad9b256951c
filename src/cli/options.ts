import { Flag } from "effect/cli"
import { ownConfig } from "./ownConfig.ts"
import { PredictorName } from "../run/predict/openPredictor.ts"

// Flags that are the same in every command that has them.

/** The configuration where `--config` is left out. */
export const defaultConfig = ownConfig("quick.toml")

export const config = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("The configuration: a .toml, .json or .yaml file; Weft's own configs/quick.toml where left out")
)

export const set = Flag.String("set").pipe(
  Flag.withAlias("s"),
  Flag.withMetavar("KEY=VALUE"),
  Flag.withDescription("Changes one key of the configuration, such as train.epochs=3; may be repeated"),
  Flag.atLeast(0)
)

export const run = Flag.String("run").pipe(Flag.withMetavar("DIR"))

export const runs = run.pipe(
  Flag.withDescription(
    "The run's folder; the newest finished one under runs/ where left out. Several times: those runs as one, by the mean of their probabilities"
  ),
  Flag.atLeast(0)
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Prints one JSON document on standard output, and nothing else there"),
  Flag.withDefault(false)
)

export const predictor = Flag.Literals("engine", PredictorName.literals).pipe(
  Flag.withDescription("What applies the network; the run's engine where left out")
)

/** How many of something are shown: 1 or more, also as `-k`. */
export const howMany = (name: string, things: string, usual: number) =>
  Flag.Int(name).pipe(
    Flag.withAlias("k"),
    Flag.filter(
      (k) => k >= 1,
      (k) => `expected 1 or more ${things}, got ${k}`
    ),
    Flag.withDefault(usual)
  )
