import { Effect, Layer, Option } from "effect"
import type { Schema } from "effect"
import { CliOutput, Command, HelpDoc } from "effect/cli"
import * as NodeServices from "@effect/platform-node/NodeServices"
import manifest from "../../package.json" with { type: "json" }
import { commands, weft } from "../../src/cli/weft.ts"
import { configKeys } from "../../src/config/configKeys.ts"
import type { ConfigKey } from "../../src/config/configKeys.ts"
import { RunConfig } from "../../src/config/RunConfig.ts"
import { metrics } from "../../src/metrics/metrics.ts"
import { Axis, Halving, Random, SearchConfig } from "../../src/run/search/SearchConfig.ts"

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const made = (command: string) => `<!-- Written by \`${command}\` from the program: change it there. -->`

const keysTable = (keys: ReadonlyArray<ConfigKey>): string =>
  table(
    ["key", "values", "default", ""],
    keys.map(({ byDefault, description, path, values }) => [
      `\`${path}\``,
      values,
      byDefault === undefined ? "–" : `\`${byDefault}\``,
      description
    ])
  )

/** A heading with its keys for each section, those of the sections within it too. */
const sections = (schema: Schema.Top): string => {
  const keys = configKeys(schema)
  const top = keys.filter(({ isSection, path }) => !isSection && !path.includes("."))
  const inner = keys
    .filter(({ isSection }) => isSection)
    .map(({ description, path }) => {
      const own = keys.filter((key) => !key.isSection && key.path.slice(0, key.path.lastIndexOf(".")) === path)
      return `${path.includes(".") ? "###" : "##"} ${path}\n\n${description}.\n${own.length === 0 ? "" : `\n${keysTable(own)}\n`}`
    })
  return [`## The file itself\n\n${keysTable(top)}\n`, ...inner].join("\n")
}

/** `docs/reference/configuration.md`. */
export const configurationPage = (): string => `${made("npx pnpm docs:reference")}
# Configuration of a run

TOML, JSON or YAML. Keys that are left out have their default; a key that is not here is an error. Paths are relative to the file. \`–\` means that the key is off, or that Weft finds the value itself. \`npx weft-ml schema\` prints the same as a JSON Schema.

${sections(RunConfig)}`

/** `docs/reference/search.md`. */
export const searchPage = (): string => `${made("npx pnpm docs:reference")}
# Configuration of a search

${keysTable(configKeys(SearchConfig).filter(({ isSection }) => !isSection))}

## axes

Each \`[[axes]]\` has:

${keysTable(configKeys(Axis).filter(({ isSection }) => !isSection))}

## strategy

\`kind = "grid"\` has no other keys.

\`kind = "random"\`:

${keysTable(configKeys(Random).filter(({ path }) => path !== "kind"))}

\`kind = "halving"\`:

${keysTable(configKeys(Halving).filter(({ path }) => path !== "kind"))}
`

const bound = (value: number) => (value === Infinity ? "∞" : String(value))

/** `docs/reference/metrics.md`. */
export const metricsPage = (): string => `${made("npx pnpm docs:reference")}
# Metrics

Of the test part, below \`test\` in \`report.json\`. \`evaluate\` measures any part. The objective of a search names one by its path: \`test.macro.f1\`. The list is [src/metrics/metrics.ts](../../src/metrics/metrics.ts).

${table(
  ["path", "metric", "range", "better", "95 % interval", ""],
  metrics.map(({ better, interval, meaning, path, range: [least, greatest], source, title, unit }) => [
    `\`${path}\``,
    title,
    `${bound(least)} to ${bound(greatest)}${unit === "nats" ? " nats" : ""}`,
    better,
    interval?.method ?? "–",
    `${meaning}. Source: ${source}`
  ])
)}
`

/** The help of a command, as the command line has it. */
export const helpOf = Effect.fnUntraced(function* (name: string) {
  const line = [name, "--help"]
  const heard: Array<HelpDoc.HelpDoc> = []
  const presenter: CliOutput.Presenter = {
    present: (event) => Effect.sync(() => void (event._tag === "Help" && heard.push(event.helpDoc)))
  }
  // Help needs none of the Layers that a command needs.
  const command = Command.provide(yield* weft(line), Layer.empty as Layer.Layer<never>)
  yield* Command.runWith(command as typeof command & Command.Command<"weft", unknown>, { version: manifest.version })(
    line
  ).pipe(Effect.provideService(CliOutput.Presenter, presenter), Effect.provide(NodeServices.layer))
  const [help] = heard
  if (help === undefined) return yield* Effect.die(new Error(`${name} has no help`))
  return help
})

/** What an installed package's reader types. */
const asInstalled = (text: string) =>
  text
    .replaceAll(/(?:npx )?pnpm (?:-s )?pipeline:/g, "npx weft-ml ")
    .replaceAll(/(?:npx )?pnpm backend:install/g, "npx weft-ml backend-install")

/** Text as a cell has it: what is between < and > would be markup. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "\\<")
const about = (description: Option.Option<string>) => cell(Option.getOrElse(description, () => ""))

const commandSection = (
  name: string,
  { args = [], description, examples = [], flags, usage }: HelpDoc.HelpDoc
): string => {
  const rows = [
    ...args.map((arg) => [`\`${arg.name}${arg.variadic ? "…" : ""}\``, about(arg.description)]),
    ...flags.map((flag) => [
      `\`${["--" + flag.name.replace(/^--/, ""), ...flag.aliases.map((alias) => (alias.startsWith("-") ? alias : `-${alias}`))].join(", ")}${flag.type === "boolean" ? "" : ` ${flag.type}`}\``.replaceAll(
        "|",
        "\\|"
      ),
      about(flag.description)
    ])
  ]
  return [
    `## ${name}`,
    `${description}.`,
    `\`${usage.replace("weft ", "npx weft-ml ")}\``,
    ...(rows.length === 0 ? [] : [table(["", ""], rows)]),
    ...(examples.length === 0
      ? []
      : [
          `\`\`\`text\n${examples
            .map(
              ({ command, description }) =>
                `${description === undefined ? "" : `# ${description}\n`}${asInstalled(command)}`
            )
            .join("\n")}\n\`\`\``
        ])
  ].join("\n\n")
}

/** `docs/reference/commands.md`. */
export const commandsPage = Effect.gen(function* () {
  const sections = yield* Effect.forEach(commands, ({ name }) =>
    Effect.map(helpOf(name), (help) => commandSection(name, help))
  )
  return `${made("npx pnpm docs:reference")}
# Commands

In a clone of the repository, \`npx weft-ml NAME\` is \`npx pnpm pipeline:NAME\` (and \`npx pnpm backend:install\`). All take \`--help\`; \`--log-level debug\` says more, stack traces too. [Exit codes](../run-folder.md#exit-codes) say how a command ended.

${table(
  ["command", ""],
  commands.map(({ line, name }) => [`[\`${name}\`](#${name})`, line.description ?? ""])
)}

${sections.join("\n\n")}
`
})
