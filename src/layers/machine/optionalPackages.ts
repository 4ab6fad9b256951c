import { installCommand } from "../../config/weftCommand.ts"
import { createRequire } from "node:module"
import { manifest } from "./manifest.ts"

/** Packages that Weft does without: each brings an engine or a reader of exports, and is installed by whoever wants that. */
export type OptionalPackage = keyof typeof manifest.peerDependencies

/** Whether an import failed because a package is not there, and not because it does not run. */
export const isMissing = (cause: unknown): boolean =>
  cause instanceof Error &&
  "code" in cause &&
  (cause.code === "ERR_MODULE_NOT_FOUND" || cause.code === "MODULE_NOT_FOUND")

const require = createRequire(import.meta.url)

/** Whether an optional package is there; whether it runs is not asked. */
export const isInstalled = (name: OptionalPackage): boolean => {
  try {
    require.resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

/** The command that installs optional packages, in the versions that Weft was written for. */
export const bringing = (names: ReadonlyArray<OptionalPackage>): string =>
  installCommand(names.map((name) => `${name}@${manifest.peerDependencies[name].replace("^", "")}`))
