import { Cause, Console, Effect, PlatformError, References } from "effect"
import { CliError } from "effect/cli"
import * as Runtime from "effect/Runtime"
import { systemFault } from "../layers/storage/systemFault.ts"

/**
 * What the process ends with: 0 done, 1 the run failed, 2 the configuration or the command line is wrong, 3 the data
 * is unusable, 4 the engine is unavailable, 130 interrupted. An error of ours carries its own code.
 */
export const exitCodeOf = (cause: Cause.Cause<unknown>): number => {
  if (Cause.hasInterruptsOnly(cause)) return 130
  const error = Cause.squash(cause)
  if (CliError.isCliError(error)) return error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : 2
  return Runtime.getErrorExitCode(error)
}

/** Most characters of a line, and most lines, that are printed of an error. Longer texts come from a file. */
const longest = { line: 2000, lines: 60 } as const

const cutLine = (line: string) =>
  line.length <= longest.line
    ? line
    : `${line.slice(0, longest.line)} … (and ${(line.length - longest.line).toLocaleString("en-US")} more characters)`

/**
 * An error's text as it is printed: only the beginning, where it has thousands of lines or a whole file in one line.
 */
export const cutMessage = (text: string): string => {
  const lines = text.split("\n")
  const more = lines.length - longest.lines
  return [
    ...lines.slice(0, longest.lines).map(cutLine),
    ...(more > 0 ? [`… and ${more.toLocaleString("en-US")} more lines`] : [])
  ].join("\n")
}

/**
 * An error's message. A system error's message names the file and what happened, not the function that met it. An error
 * without a message has its cause's, or at least its name.
 */
const messageOf = (error: Error): string => {
  if (!PlatformError.isPlatformError(error)) {
    if (error.message !== "") return error.message
    return error.cause instanceof Error ? messageOf(error.cause) : error.name
  }
  const { reason } = error
  const path = reason._tag === "BadArgument" ? undefined : reason.pathOrDescriptor
  const { detail } = systemFault(error)
  return path === undefined ? detail : `${path}: ${detail}`
}

/** Prints on standard error what went wrong, in a paragraph; with `--log-level debug`, the stack too. */
export const explainFailure = Effect.fnUntraced(function* (cause: Cause.Cause<unknown>) {
  if (Cause.hasInterruptsOnly(cause)) return
  const error = Cause.squash(cause)
  if (CliError.isCliError(error)) return // its help and its reason have been printed
  const level = yield* References.MinimumLogLevel
  const expected = Cause.hasFails(cause) && error instanceof Error
  if (expected) yield* Console.error(`\n${cutMessage(messageOf(error))}`)
  else yield* Console.error("\nThis is a fault in Weft, not in your data; please report it with the text below.")
  if (!expected || level === "Debug" || level === "Trace" || level === "All")
    yield* Console.error(cutMessage(Cause.pretty(cause)))
})
