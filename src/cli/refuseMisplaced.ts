import { Effect, FileSystem, Path } from "effect"
import type { Table } from "../config/configTable.ts"
import { isTable } from "../config/configTable.ts"
import { ConfigError } from "../config/RunConfig.ts"

/** Keys whose files or folders must be there; a search has a run's keys under `base`. */
const keys = ["data.root", "network.weights", "base.data.root", "base.network.weights"]

const valueAt = (table: Table, key: string): unknown =>
  key.split(".").reduce<unknown>((value, name) => (isTable(value) ? value[name] : undefined), table)

/**
 * Refuses a relative path that leads nowhere from the file's folder, from which it counts, and somewhere from the working
 * directory: it was written for another folder. `sets` are the assignments that replace keys of the file.
 */
export const refuseMisplaced = Effect.fnUntraced(function* (file: string, table: Table, sets: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const { dirname, isAbsolute, relative, resolve } = yield* Path.Path
  const exists = (path: string) => Effect.orElseSucceed(fs.exists(path), () => false)
  for (const key of keys) {
    const path = valueAt(table, key)
    if (typeof path !== "string" || path === "" || isAbsolute(path) || sets.some((set) => set.startsWith(`${key}=`)))
      continue
    if ((yield* exists(resolve(dirname(file), path))) || !(yield* exists(resolve(path)))) continue
    return yield* new ConfigError({
      where: file,
      problems: [
        `\`${key}\`: there is no ${JSON.stringify(path)} in this file's folder, from which its paths count; ` +
          `there is one in the working directory: write ${JSON.stringify(relative(dirname(resolve(file)), resolve(path)) || ".")}, ` +
          `or add --set ${key}=${path}`
      ]
    })
  }
})
