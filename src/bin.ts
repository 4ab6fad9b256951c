import { NodeRuntime } from "@effect/platform-node"
import { Effect, Logger } from "effect"
import { CliOutput, Command } from "effect/cli"
import { weft } from "./cli/weft.ts"
import { explainFailure, exitCodeOf } from "./cli/failure.ts"
import { presenter } from "./cli/presenter.ts"
import * as LiveLayers from "./Live.ts"
import { closedOutput, whenDrained } from "./layers/process/outputs.ts"
import * as TerminalConsole from "./layers/terminal/TerminalConsole.ts"
import manifest from "../package.json" with { type: "json" }

// A closed terminal or ssh session ends the work as SIGTERM does: with a checkpoint.
process.on("SIGHUP", () => void process.emit("SIGTERM", "SIGTERM"))

weft.pipe(
  Command.run({ version: manifest.version }),
  Effect.withSpan("weft", { attributes: { command: process.argv.slice(2, 3).join(" ") } }),
  Effect.tapCause(explainFailure),
  Effect.provide(LiveLayers.layer),
  Effect.provideService(Logger.LogToStderr, true),
  Effect.provideService(CliOutput.Presenter, presenter),
  Effect.provide(TerminalConsole.layer),
  // Where the output's reader is gone, the command is interrupted as by a signal, and prints nothing more.
  Effect.raceFirst(closedOutput),
  NodeRuntime.runMain({
    disableErrorReporting: true, // explainFailure has printed the failure
    teardown: (exit, onExit) => whenDrained(() => onExit(exit._tag === "Success" ? 0 : exitCodeOf(exit.cause)))
  })
)
