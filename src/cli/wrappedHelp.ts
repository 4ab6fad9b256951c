import { Option } from "effect"
import type { HelpDoc } from "effect/cli"
import { wrapped } from "../layers/terminal/wrapped.ts"

/** Columns of a help: where there is no terminal, and at most, as longer lines of prose are hard to read. */
const usual = 80
const most = 100

/** A text in lines that begin at a column, as all but the first have to say themselves. */
const inLines = (text: string, columns: number, indent: number): string =>
  wrapped(text, Math.max(20, columns - indent))
    .map((line) => line.trimStart())
    .join(`\n${" ".repeat(indent)}`)

/** The name and the type of a flag, as Effect's formatter writes them. */
const nameOf = ({ aliases, name, type }: HelpDoc.FlagDoc): string =>
  [`--${name}`, ...aliases].join(", ") + (type === "boolean" ? "" : ` ${type}`)

const wrappedFlags = (given: ReadonlyArray<HelpDoc.FlagDoc>, columns: number): Array<HelpDoc.FlagDoc> => {
  // Effect's own flags have their choices as a type as well: `<bash|zsh|fish>`, which leaves no room for the text.
  const flags = given.map((flag) => (flag.type.startsWith("<") ? { ...flag, type: "choice" } : flag))
  // Effect's formatter begins each line with two blanks, and has four between the longest name and the texts.
  const indent = 6 + Math.max(0, ...flags.map((flag) => nameOf(flag).length))
  return flags.map((flag) => ({
    ...flag,
    description: Option.map(flag.description, (text) => inLines(text, columns, indent))
  }))
}

/** Effect's formatter begins the texts of arguments here at the latest, but for those with a longer name. */
const widestArgument = 25

const wrappedArguments = (given: ReadonlyArray<HelpDoc.ArgDoc>, columns: number): Array<HelpDoc.ArgDoc> => {
  const widths = given.map(({ name, type, variadic }) => `${name}${variadic ? "..." : ""} ${type}`.length)
  const widest = Math.min(widestArgument, 4 + Math.max(0, ...widths))
  return given.map((argument, i) => ({
    ...argument,
    description: Option.map(argument.description, (text) =>
      inLines(
        text,
        // The formatter adds this behind the text.
        columns - (argument.required ? 0 : " (optional)".length),
        2 + Math.max(widest, 1 + (widths[i] ?? 0))
      )
    )
  }))
}

/** A command's help with its texts in lines that a terminal of so many columns can hold; undefined: there is none. */
export const wrappedHelp = (help: HelpDoc.HelpDoc, terminal: number | undefined): HelpDoc.HelpDoc => {
  const columns = Math.min(terminal ?? usual, most)
  return {
    ...help,
    description: inLines(help.description, columns, 2),
    flags: wrappedFlags(help.flags, columns),
    ...(help.globalFlags !== undefined && { globalFlags: wrappedFlags(help.globalFlags, columns) }),
    ...(help.args !== undefined && { args: wrappedArguments(help.args, columns) })
  }
}
