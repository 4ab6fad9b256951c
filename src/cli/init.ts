import { weftCommand } from "../config/weftCommand.ts"
import { Console, Effect, FileSystem, Option, Path } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { fileURLToPath, pathToFileURL } from "node:url"
import { configKeys } from "../config/configKeys.ts"
import { withAbsolutePaths } from "../config/pathKeys.ts"
import { ConfigError, RunConfig } from "../config/RunConfig.ts"
import type { Table } from "../config/configTable.ts"
import { isTable } from "../config/configTable.ts"
import { systemFault } from "../layers/storage/systemFault.ts"
import { begin } from "./begin.ts"
import { commentedToml } from "./commentedToml.ts"
import * as options from "./options.ts"
import * as plain from "./plainFlags.ts"
import { changedConfig } from "./readConfig.ts"
import { shellWord } from "./shellWord.ts"

const flags = {
  path: Argument.String("path").pipe(
    Argument.withDescription(
      "The catalogue: a folder of class folders, or a CSV, JSON lines or Parquet file, or the folder of one"
    )
  ),
  label: plain.label,
  epochs: plain.epochs,
  size: plain.size,
  network: plain.network,
  set: options.set,
  out: Flag.String("out").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The file to write; NAME.toml in the working directory where left out"),
    Flag.optional
  )
}

/** Where the schema lies that editors check the file by: beside the file's project, or in the installed package. */
const schemaPlace = Effect.fnUntraced(function* (file: string) {
  const { dirname, isAbsolute, relative, resolve } = yield* Path.Path
  const schema = fileURLToPath(new URL("../../configs/run.schema.json", import.meta.url))
  const fromHere = relative(resolve("."), schema)
  // What is installed elsewhere may lie anywhere: an address says it whole.
  if (fromHere.startsWith("..") || isAbsolute(fromHere)) return pathToFileURL(schema).href
  const path = relative(dirname(file), schema).replaceAll("\\", "/")
  return path.startsWith(".") ? path : `./${path}`
})

/** A table's paths as a file in a folder has them. */
const relativeTo = Effect.fnUntraced(function* (folder: string, table: Table) {
  const { relative } = yield* Path.Path
  const moved = withAbsolutePaths("", table, (path) => relative(folder, path).replaceAll("\\", "/") || ".")
  return isTable(moved) ? moved : table
})

/** Writes the configuration of a run on a catalogue. */
export const init = Command.make(
  "init",
  flags,
  Effect.fnUntraced(function* ({ out, path, set, ...values }) {
    const { dirname, resolve } = yield* Path.Path
    const fs = yield* FileSystem.FileSystem
    const plainValues = { ...values, data: Option.none<string>() }
    const given = plain.given(plainValues)
    const { config: begun, lines } = yield* begin(path, plainValues, given, set)
    const { config, raw } = yield* changedConfig(begun, path, set, given)
    const shown = Option.getOrElse(out, () => `${config.name}.toml`)
    const file = resolve(shown)
    const table = yield* relativeTo(dirname(file), raw)
    const text = commentedToml(table, configKeys(RunConfig), [
      `#:schema ${yield* schemaPlace(file)}`,
      ...lines.map((line) => `# ${line}`),
      `#   ${weftCommand(`train --config ${shellWord(shown)}`)}`
    ])
    yield* fs.writeFileString(file, text, { flag: "wx" }).pipe(
      Effect.mapError(
        (error) =>
          new ConfigError({
            where: shown,
            problems: [
              error.reason._tag === "AlreadyExists"
                ? "there is such a file already, and it stays as it is; name another one with --out FILE"
                : `the file cannot be written: ${systemFault(error).detail}`
            ]
          })
      )
    )
    yield* Console.log([...lines, `wrote ${shown}`, weftCommand(`train --config ${shellWord(shown)}`)].join("\n"))
  })
).pipe(
  Command.withDescription("Looks at a catalogue, and writes the configuration that `train` would take for it"),
  Command.withExamples([
    { command: weftCommand("init photos/"), description: "Of a folder of photos, a folder for each class" },
    {
      command: weftCommand("init shop/products.csv --label category --out shop.toml"),
      description: "Of a list of photos"
    }
  ])
)
