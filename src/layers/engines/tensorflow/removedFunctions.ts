import { createRequire } from "node:module"

/** What Node had in `util` until version 23, and TensorFlow.js's package for Node still calls. */
const removed: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === "boolean",
  isFunction: (value) => typeof value === "function",
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === "number",
  isObject: (value) => value !== null && typeof value === "object",
  isString: (value) => typeof value === "string",
  isUndefined: (value) => value === undefined
}

/** Gives `node:util` back those of its old functions that this Node lacks; those that it has stay. */
export const defineRemovedFunctions = (): void => {
  // The module as CommonJS sees it: what is imported cannot be changed.
  const util = createRequire(import.meta.url)("node:util") as Record<string, unknown>
  for (const [name, value] of Object.entries(removed))
    if (!(name in util)) Object.defineProperty(util, name, { value, configurable: true, writable: true })
}
