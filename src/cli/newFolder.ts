import { Clock, DateTime, Effect } from "effect"

/** Where a run or a search goes that names no folder: `runs/2026-01-31-235959-name`. */
export const newFolder = Effect.fnUntraced(function* (name: string) {
  const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
  return `runs/${now.slice(0, 19).replace("T", "-").replaceAll(":", "")}-${name}`
})
