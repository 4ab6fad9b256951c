import { Effect, FileSystem, Option, Schema } from "effect"
import type { Table } from "../configTable.ts"
import { isKeyPath, isTable, setKey } from "../configTable.ts"
import { systemFault } from "../layers/storage/systemFault.ts"
import { ConfigError, decodeRunConfig } from "../RunConfig.ts"
import { ConfigSyntaxError, parserOf } from "./parseConfig.ts"

/** Bytes of a configuration: a hundred thousand labels have room. */
const mostBytes = 1 << 22

/** Values of a configuration, an alias of YAML counted wherever it stands, and how deep they may be in each other. */
const most = { values: 200_000, depth: 64 } as const

/** What a value has too much of to be a configuration; undefined where it has not. */
const excessOf = (raw: unknown): string | undefined => {
  const waiting: Array<readonly [unknown, number]> = [[raw, 0]]
  let count = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next
    if (depth > most.depth) return `its values lie more than ${most.depth} deep in each other`
    if (typeof value !== "object" || value === null) continue
    for (const inner of Object.values(value)) {
      if (++count > most.values) return `it has more than ${most.values} values, its aliases followed`
      waiting.push([inner, depth + 1])
    }
  }
  return undefined
}

const readFile = Effect.fnUntraced(function* (file: string) {
  const extension = file.slice(file.lastIndexOf(".") + 1).toLowerCase()
  const parse = parserOf(extension)
  if (parse === undefined)
    return yield* new ConfigError({ where: file, problems: ["expected a file that ends in .toml, .json or .yaml"] })
  const fs = yield* FileSystem.FileSystem
  const size = yield* Effect.orElseSucceed(
    Effect.map(fs.stat(file), (info) => Number(info.size)),
    () => 0
  )
  if (size > mostBytes)
    return yield* new ConfigError({
      where: file,
      problems: [`it has ${size} bytes; a configuration has ${mostBytes} at most`]
    })
  const text = yield* fs.readFileString(file).pipe(
    Effect.mapError(
      (error) =>
        new ConfigError({
          where: file,
          problems: [
            error.reason._tag === "NotFound"
              ? "there is no such configuration file; name one with --config FILE"
              : `the configuration cannot be read: ${systemFault(error).detail}`
          ]
        })
    )
  )
  const raw = yield* parse(text).pipe(
    // A parser that calls itself for each bracket runs out of stack.
    Effect.catchDefect(() => new ConfigSyntaxError({ detail: "its values lie too deep in each other" })),
    Effect.mapError(
      (error) =>
        new ConfigError({ where: file, problems: [`this is not valid ${extension.toUpperCase()}: ${error.detail}`] })
    )
  )
  const excess = excessOf(raw)
  if (excess !== undefined) return yield* new ConfigError({ where: file, problems: [excess] })
  if (!isTable(raw)) return yield* new ConfigError({ where: file, problems: ["expected a table of keys"] })
  return raw
})

/** `3`, `true`, `[1, 2]` and `"text"` are what JSON takes them for; anything else is text. */
const valueOf = (text: string): Effect.Effect<unknown> =>
  Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text).pipe(Effect.orElseSucceed(() => text))

const applySet = Effect.fnUntraced(function* (table: Table, assignment: string, set: typeof setKey) {
  const at = assignment.indexOf("=")
  const path = assignment.slice(0, at)
  if (at < 1 || !isKeyPath(path))
    return yield* new ConfigError({
      where: `--set ${assignment}`,
      problems: ["expected KEY=VALUE, such as --set train.epochs=3"]
    })
  return set(table, path, yield* valueOf(assignment.slice(at + 1)))
})

/** A file of keys, changed by `--set`, and how both are named in errors; `set` says how a key is set. */
export const readTable = Effect.fn("readTable")(function* (file: string, sets: ReadonlyArray<string>, set = setKey) {
  let raw = yield* readFile(file)
  for (const assignment of sets) raw = yield* applySet(raw, assignment, set)
  return { raw, where: sets.length === 0 ? file : `${file} with --set ${sets.join(" --set ")}` }
})

/** The configuration of a file, changed by `--set`, checked by the Schema. */
export const readConfig = Effect.fn("readConfig")(function* (file: string, sets: ReadonlyArray<string>) {
  const { raw, where } = yield* readTable(file, sets)
  return yield* decodeRunConfig(raw, where)
})

/** The configuration that a run began with, from its folder. */
export const readRunConfig = Effect.fn("readRunConfig")(function* (folder: string, sets: ReadonlyArray<string> = []) {
  const fs = yield* FileSystem.FileSystem
  if (!(yield* Effect.orElseSucceed(fs.exists(`${folder}/config.json`), () => false))) {
    const found = yield* Effect.option(fs.stat(folder))
    const isFile = Option.isSome(found) && found.value.type !== "Directory"
    return yield* new ConfigError({
      where: `--run ${folder}`,
      problems: [
        isFile ? "this is a file; name a run's folder" : "there is no run in this folder (it has no config.json)"
      ]
    })
  }
  return yield* readConfig(`${folder}/config.json`, sets)
})
