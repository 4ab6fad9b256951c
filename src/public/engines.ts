/**
 * Engines: all that are installed, loaded when one is chosen; the reference, which needs nothing and is slow; and one
 * that plays a script and records what it was given, for tests.
 */
export * as LiveEngines from "../layers/engines/LiveEngines.ts"
export * as ReferenceEngine from "../layers/engines/reference/ReferenceEngine.ts"
export { mockEngine } from "../model/MockEngine.ts"
export type { Given, Script } from "../model/MockEngine.ts"
