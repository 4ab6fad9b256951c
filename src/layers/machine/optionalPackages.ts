import { start } from "../../config/weftCommand.ts"
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

/**
 * The command that installs optional packages, in the versions that Weft was written for; no script of theirs needs to run.
 *
 * Weft is among them: it and they must lie in one folder, where they share one TensorFlow.js, and a Weft that npx fetched or
 * that is installed for the whole machine lies elsewhere.
 */
export const bringing = (names: ReadonlyArray<OptionalPackage>, from = start): string => {
  const packages = names.map((name) => `${name}@${manifest.peerDependencies[name].replace("^", "")}`)
  return from === "repository"
    ? "npx pnpm install"
    : `npm install --ignore-scripts ${[`weft-ml@${manifest.version}`, ...packages].join(" ")}`
}
