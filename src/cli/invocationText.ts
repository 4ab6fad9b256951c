import { weftCommand } from "../config/weftCommand.ts"
import type { CliError, CliOutput, HelpDoc } from "effect/cli"
import { configKeys } from "../config/configKeys.ts"
import { meantChoice } from "../config/keySuggestion.ts"
import { isUsed } from "./usedKeys.ts"
import { nearest } from "../config/nearest.ts"
import { RunConfig } from "../config/RunConfig.ts"

type Invocation = Pick<CliOutput.Presenter.InvalidInvocation, "commandPath" | "errors" | "helpDoc">

/** Short names that other tools use for keys. */
const shortNames: Readonly<Record<string, string>> = {
  batch: "train.batchSize",
  data: "data.root",
  device: "engine.device",
  engine: "engine.name",
  lr: "train.learningRate",
  model: "network.name",
  optimizer: "train.optimizer.kind",
  size: "image.height"
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "")

/** The key of a run's configuration that a flag's name means: `--batch-size` is `train.batchSize`. */
const keyOf = (flag: string): string | undefined => {
  const name = plain(flag)
  const keys = configKeys(RunConfig).flatMap(({ isSection, path }) => (isSection ? [] : [path]))
  const ends = new Map(keys.map((key) => [plain(key.slice(key.lastIndexOf(".") + 1)), key]))
  const found = keys.find((key) => plain(key) === name) ?? ends.get(name) ?? shortNames[name]
  if (found !== undefined) return found
  const close = name.length < 4 ? undefined : nearest(name, ends.keys())
  return close === undefined ? undefined : ends.get(close)
}

const has = ({ flags }: HelpDoc.HelpDoc, name: string) => flags.some((flag) => flag.name === name)

/** The value of a flag, as in `--epochs 3` and `--epochs=3`; `VALUE` where there is none. */
const valueOf = (flag: string, args: ReadonlyArray<string>): string => {
  const at = args.findIndex((argument) => argument === flag || argument.startsWith(`${flag}=`))
  const given = args[at]?.startsWith(`${flag}=`) === true ? args[at]?.slice(flag.length + 1) : args[at + 1]
  return at < 0 || given === undefined || given.startsWith("-") || /[\s'"]/.test(given) ? "VALUE" : given
}

/** Why an argument is too many, where the command takes one: mostly a path with blanks that has no quotes. */
const surplus = ({ args = [] }: HelpDoc.HelpDoc, command: string): string => {
  const [one] = args
  return one === undefined
    ? `${command} takes no file or folder`
    : `${command} takes one ${one.name}, and this is another; a ${one.name} with blanks goes in quotes`
}

/** How to pass a file, a folder or a key to a command that reads a configuration. */
const forArgument = (argument: string, help: HelpDoc.HelpDoc): string => {
  if (has(help, "set") && /^[A-Za-z][\w.]*=/.test(argument)) return `to set a key: --set ${argument}`
  if (has(help, "config") && /\.(?:toml|json|ya?ml)$/i.test(argument))
    return `to name the configuration: --config ${argument}`
  if (has(help, "config"))
    return `a configuration goes with --config FILE, and the folder of a catalogue with --set data.root=DIR`
  return has(help, "run") ? `to name a run: --run ${argument}` : "leave it out"
}

const textOf = (
  error: CliError.NonShowHelpErrors,
  { commandPath, helpDoc }: Invocation,
  args: ReadonlyArray<string>
) => {
  const command = commandPath.at(-1) ?? ""
  const list = `${command === "weft" ? "weft" : command} --help lists`
  switch (error._tag) {
    case "UnrecognizedOption": {
      // A flag with a similar name is more likely meant than a key.
      const flag = nearest(
        error.option.replace(/^-+/, ""),
        helpDoc.flags.map(({ name }) => name)
      )
      const key = flag === undefined ? keyOf(error.option) : undefined
      if (key !== undefined && !(has(helpDoc, "set") && isUsed(command, key)))
        return `${error.option}: ${command} has no such flag; ${key} is a key of the configuration, and is set where a run is trained: ${weftCommand(`train --set ${key}=${valueOf(error.option, args)}`)}`
      if (key !== undefined) {
        const path = command === "search" ? `base.${key}` : key
        return `${error.option}: ${path} is a key of the configuration: --set ${path}=${valueOf(error.option, args)}`
      }
      const hint = flag === undefined ? "" : `; did you mean --${flag}?`
      return `${error.option}: ${command} has no such flag${hint} (${list} all)`
    }
    case "UnexpectedArgument":
      return error.arguments
        .map((argument) => {
          const isKeyOrFile = /^[A-Za-z][\w.]*=|\.(?:toml|json|ya?ml)$/i.test(argument)
          const takesOne = (helpDoc.args ?? []).length > 0
          const cure = takesOne && !isKeyOrFile ? "" : `; ${forArgument(argument, helpDoc)}`
          return `${argument}: ${surplus(helpDoc, command)}${cure}`
        })
        .join("\n")
    case "MissingArgument": {
      const found = helpDoc.args?.find(({ name }) => name.replace(/\W+$/, "") === error.argument)
      const what = found?.description._tag === "Some" ? found.description.value : "an argument"
      return `${command} needs a ${error.argument}: ${what}`
    }
    case "MissingOption": {
      const found = helpDoc.flags.find(({ name }) => name === error.option)
      const what = found?.description._tag === "Some" ? `: ${found.description.value}` : ""
      const choices = found === undefined || what.includes("choices:") ? "" : ` (${found.type})`
      return `${command} needs --${error.option}${what}${choices}`
    }
    case "InvalidValue": {
      const where = error.kind === "argument" ? error.option : `--${error.option}`
      const expected = error.expected
        .replace(/^Schema validation failed: /, "")
        .replace(/^expected:? /i, "")
        .replace("a string representing a finite number", "a number")
      const choices = Array.from(expected.matchAll(/"([^"]*)"/g), ([, one = ""]) => one)
      return `${where}${error.value === "" ? "" : ` ${error.value}`}: expected ${expected}${meantChoice(error.value, choices)}`
    }
    case "UnknownSubcommand": {
      const [suggestion] = error.suggestions
      return `${error.subcommand}: there is no such command${suggestion === undefined ? "" : `; did you mean ${suggestion}?`} (${list} all)`
    }
    default:
      return error.message
  }
}

/** What is wrong with a command line, a line for each fault, with what to write instead. `args` is the command line. */
export const invocationText = (invocation: Invocation, args: ReadonlyArray<string>): string =>
  invocation.errors.map((error) => textOf(error, invocation, args)).join("\n")
