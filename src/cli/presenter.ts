import { Console, Effect } from "effect"
import { CliOutput } from "effect/cli"
import { wrappedHelp } from "./wrappedHelp.ts"

/** Help and the version are our own text, whose colours `TerminalConsole` would escape. */
const printed = (event: CliOutput.Presenter.Event) =>
  Effect.provideService(CliOutput.defaultPresenter.present(event), Console.Console, globalThis.console)

/**
 * How the command line prints help and the version (on standard output), and the faults of a wrong command line (on
 * standard error, one line each instead of the whole help).
 */
export const presenter: CliOutput.Presenter = {
  present: (event) => {
    switch (event._tag) {
      case "InvalidInvocation":
        // It knows every key of the configuration, and is loaded only here.
        return Effect.promise(() => import("./invocationText.ts")).pipe(
          Effect.flatMap(({ invocationText }) => Console.error(`\n${invocationText(event, process.argv.slice(2))}`))
        )
      case "Help":
        return printed({ ...event, helpDoc: wrappedHelp(event.helpDoc, process.stdout.columns) })
      case "Version":
        return printed(event)
    }
  }
}
