import { NodeRuntime } from "@effect/platform-node"
import { Effect, Logger } from "effect"
import { CliOutput, Command } from "effect/cli"
import { weft } from "./cli/weft.ts"
import { explainFailure, exitCodeOf } from "./cli/failure.ts"
import { presenter } from "./cli/presenter.ts"
import * as LiveLayers from "./layers/Live.ts"
import * as TerminalConsole from "./layers/terminal/TerminalConsole.ts"
import manifest from "../package.json" with { type: "json" }

weft.pipe(
  Command.run({ version: manifest.version }),
  Effect.tapCause(explainFailure),
  Effect.provide(LiveLayers.layer),
  Effect.provideService(Logger.LogToStderr, true),
  Effect.provideService(CliOutput.Presenter, presenter),
  Effect.provide(TerminalConsole.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true, // explainFailure has said it
    teardown: (exit, onExit) => onExit(exit._tag === "Success" ? 0 : exitCodeOf(exit.cause))
  })
)
