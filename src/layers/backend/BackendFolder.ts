import { Schema } from "effect"
import { readFileSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { cacheFolder } from "../storage/cacheFolder.ts"

/** What an installed backend is; `backend.json` in its folder. */
export const InstalledBackend = Schema.Struct({
  /** TensorFlow's version. */
  version: Schema.String,
  /** Whether its libraries can use a GPU. */
  variant: Schema.Literals(["cpu", "gpu"]),
  /** Where it came from, as `--from` takes it. */
  source: Schema.String
})
export type InstalledBackend = typeof InstalledBackend.Type

/** In the repository beside its package.json; a package's folder is emptied when it is installed again. */
const usualFolder = () => {
  if (import.meta.filename.endsWith(".ts")) return join(import.meta.dirname, "../../..", ".weft", "backend")
  return join(cacheFolder(), "backend")
}

/**
 * Where the backend lies: the environment's WEFT_BACKEND, else `.weft/backend` in the repository, else `backend` in the cache
 * of whoever uses the package.
 */
export const backendFolder = (): string => process.env["WEFT_BACKEND"] ?? usualFolder()

/** Names in the folder: `current` is a link to the installed one, which makes a change of it one renaming. */
export const names = {
  current: "current",
  downloads: "downloads",
  description: "backend.json",
  addon: "tfjs_binding.node",
  quiet: "quiet.node"
} as const

/** The installed backend with its own folder, or none. */
export const readInstalled = (
  root: string
): { readonly folder: string; readonly backend: InstalledBackend } | undefined => {
  try {
    // The link itself may be exchanged while we use what it names now.
    const folder = realpathSync(join(root, names.current))
    const text = readFileSync(join(folder, names.description), "utf8")
    return { folder, backend: Schema.decodeSync(Schema.fromJsonString(InstalledBackend))(text) }
  } catch {
    return undefined
  }
}
