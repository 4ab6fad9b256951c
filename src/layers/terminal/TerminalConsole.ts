import { Console, Layer } from "effect"
import { inspect } from "node:util"
import { visible } from "./visible.ts"

const shown = (parts: ReadonlyArray<unknown>) =>
  parts.map((part) => visible(typeof part === "string" ? part : inspect(part)))

/** A console that escapes control characters: names, labels and rows come from outside. */
export const visibleConsole = (console: Console.Console): Console.Console => ({
  ...console,
  debug: (...parts) => console.debug(...shown(parts)),
  error: (...parts) => console.error(...shown(parts)),
  info: (...parts) => console.info(...shown(parts)),
  log: (...parts) => console.log(...shown(parts)),
  trace: (...parts) => console.trace(...shown(parts)),
  warn: (...parts) => console.warn(...shown(parts))
})

/** The process's own console, with texts that are safe to show. */
export const layer = Layer.sync(Console.Console, () => visibleConsole(globalThis.console))
