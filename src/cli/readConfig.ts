import { Effect, FileSystem, Option, Path, Schema } from "effect"
import type { Table } from "../config/configTable.ts"
import { isKeyPath, isTable, setKey } from "../config/configTable.ts"
import type { Resolve } from "../config/pathKeys.ts"
import { runWithAbsolutePaths, withAbsolutePaths } from "../config/pathKeys.ts"
import { systemFault } from "../layers/storage/systemFault.ts"
import { ConfigError, decodeRunConfig } from "../config/RunConfig.ts"
import { refuseMisplaced } from "./refuseMisplaced.ts"
import { withImageSize } from "./imageSize.ts"
import { ConfigSyntaxError, parserOf } from "./parseConfig.ts"
import type { PlainFlag } from "./plainFlags.ts"
import { namingFlags, refuseContradictions, setsOf, whereOf } from "./plainFlags.ts"

/** The largest configuration in bytes: room for a hundred thousand labels. */
const mostBytes = 1 << 22

/** The most values that a configuration may have, each use of a YAML alias counted, and the deepest nesting. */
const most = { values: 200_000, depth: 64 } as const

/** Why a value is too large for a configuration; undefined where it is not. */
const excessOf = (raw: unknown): string | undefined => {
  const waiting: Array<readonly [unknown, number]> = [[raw, 0]]
  let count = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next
    if (depth > most.depth) return `its values are nested more than ${most.depth} deep`
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
  const info = yield* Effect.option(fs.stat(file))
  // A device or a named pipe may have no end, and reading one cannot be interrupted.
  if (Option.isSome(info) && info.value.type !== "File" && info.value.type !== "Directory")
    return yield* new ConfigError({ where: file, problems: ["this is a device or a pipe; name a configuration file"] })
  const size = Option.match(info, { onNone: () => 0, onSome: ({ size }) => Number(size) })
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
    // A recursive parser runs out of stack.
    Effect.catchDefect(() => new ConfigSyntaxError({ detail: "its values are nested too deep" })),
    Effect.mapError(
      (error) =>
        new ConfigError({ where: file, problems: [`this is not valid ${extension.toUpperCase()}: ${error.detail}`] })
    )
  )
  const excess = excessOf(raw)
  if (excess !== undefined) return yield* new ConfigError({ where: file, problems: [excess] })
  if (!isTable(raw)) return yield* new ConfigError({ where: file, problems: ["expected a table of keys"] })
  // What an editor checks the file by says nothing of the run.
  const { $schema: _, ...table } = raw
  return table
})

/** `3`, `true`, `[1, 2]` and `"text"` are read as JSON; anything else is text. */
const valueOf = (text: string): Effect.Effect<unknown> =>
  Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))(text).pipe(Effect.orElseSucceed(() => text))

/** How one kind of configuration is changed, and where it has paths. */
export interface ConfigKind {
  /** The table with one key set. */
  readonly set: (table: Table, path: string, value: unknown) => Table
  /** A file's table, with its paths absolute. */
  readonly resolveTable: (table: Table, resolve: Resolve) => Table
  /** The value of one key, with its paths absolute. */
  readonly resolveValue: (path: string, value: unknown, resolve: Resolve) => unknown
}

const runKind: ConfigKind = { set: setKey, resolveTable: runWithAbsolutePaths, resolveValue: withAbsolutePaths }

/** A run's own `config.json` has absolute paths; relative ones, from Weft 0.1, are meant from the working directory. */
const begunKind: ConfigKind = { ...runKind, resolveTable: (table) => table }

const applySet = Effect.fnUntraced(function* (table: Table, assignment: string, kind: ConfigKind, resolve: Resolve) {
  const at = assignment.indexOf("=")
  const path = assignment.slice(0, at)
  if (at < 1 || !isKeyPath(path))
    return yield* new ConfigError({
      where: `--set ${assignment}`,
      problems: ["expected KEY=VALUE, such as --set train.epochs=3"]
    })
  return kind.set(table, path, kind.resolveValue(path, yield* valueOf(assignment.slice(at + 1)), resolve))
})

/**
 * A file's keys, changed by `--set`, and how errors name both. Paths are absolute: those of the file were meant from its
 * folder, those of the command line from the working directory.
 */
export const readTable = Effect.fn("readTable")(function* (
  file: string,
  sets: ReadonlyArray<string>,
  kind: ConfigKind = runKind
) {
  const { dirname, resolve } = yield* Path.Path
  const table = yield* readFile(file)
  if (kind !== begunKind) yield* refuseMisplaced(file, table, sets)
  let raw = kind.resolveTable(table, (path) => resolve(dirname(file), path))
  for (const assignment of sets) raw = yield* applySet(raw, assignment, kind, (path) => resolve(path))
  return { raw, where: sets.length === 0 ? file : `${file} with --set ${sets.join(" --set ")}` }
})

/** The configuration of a file, changed by plain flags and by `--set`, checked by the Schema. */
export const readConfig = Effect.fn("readConfig")(function* (
  file: string,
  sets: ReadonlyArray<string>,
  flags: ReadonlyArray<PlainFlag> = []
) {
  yield* refuseContradictions(flags, sets)
  const { raw } = yield* readTable(file, [...setsOf(flags), ...sets])
  return yield* decodeRunConfig(yield* withImageSize(raw), whereOf(file, flags, sets)).pipe(namingFlags(flags))
})

/**
 * A table whose paths are absolute, changed by `--set`, and the configuration that it is; `where` names the table in
 * errors.
 */
export const changedConfig = Effect.fn("changedConfig")(function* (
  table: Table,
  where: string,
  sets: ReadonlyArray<string>,
  flags: ReadonlyArray<PlainFlag>
) {
  const { resolve } = yield* Path.Path
  let raw = table
  for (const assignment of sets) raw = yield* applySet(raw, assignment, runKind, (path) => resolve(path))
  return { raw, config: yield* decodeRunConfig(raw, whereOf(where, flags, sets)).pipe(namingFlags(flags)) }
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
  const { raw, where } = yield* readTable(`${folder}/config.json`, sets, begunKind)
  return yield* decodeRunConfig(raw, where)
})
