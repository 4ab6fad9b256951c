import { Console, Effect } from "effect"
import { CliOutput } from "effect/cli"

/**
 * What the command line says by itself: help and the version on standard output; of a wrong command line, on standard error,
 * a line that shows the way, and not the whole help.
 */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    event._tag === "InvalidInvocation"
      ? // It knows every key of the configuration, and is loaded where it is needed.
        Effect.promise(() => import("./invocationText.ts")).pipe(
          Effect.flatMap(({ invocationText }) => Console.error(`\n${invocationText(event, process.argv.slice(2))}`))
        )
      : // Help and the version are ours, with colours that a console for what comes from outside would escape.
        Effect.provideService(CliOutput.defaultPresenter.present(event), Console.Console, globalThis.console)
}
