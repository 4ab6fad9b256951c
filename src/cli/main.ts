import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Logger } from "effect"
import { CliOutput, Command } from "effect/cli"
import { closedOutput, whenDrained } from "../layers/process/outputs.ts"
import * as Otlp from "../layers/logging/Otlp.ts"
import * as TerminalConsole from "../layers/terminal/TerminalConsole.ts"
import { manifest } from "../layers/machine/manifest.ts"
import { explainFailure, exitCodeOf } from "./failure.ts"
import { presenter } from "./presenter.ts"
import type { Needed } from "./weft.ts"
import { weft } from "./weft.ts"

/** Carries out the command line `args` with every stage by its Layer in `live`, which is built when a command begins. */
export const main = <E>(args: ReadonlyArray<string>, live: Layer.Layer<Needed, E>) => {
  // A closed terminal or ssh session ends the work as SIGTERM does: with a checkpoint.
  process.on("SIGHUP", () => void process.emit("SIGTERM", "SIGTERM"))

  // `weft` alone shows the help, for which no Layer is needed.
  const line = args.length === 0 ? ["--help"] : args
  return weft(line).pipe(
    Effect.flatMap((command) => Command.runWith(Command.provide(command, live), { version: manifest.version })(line)),
    Effect.withSpan("weft", { attributes: { command: args.slice(0, 1).join(" ") } }),
    Effect.tapCause(explainFailure),
    Effect.provide(Layer.merge(Otlp.layer, NodeServices.layer)),
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
}
