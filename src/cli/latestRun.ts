import { Effect, FileSystem, Option } from "effect"
import { ConfigError } from "../RunConfig.ts"

/** The run that is meant: the named one, or else the newest finished one under `runs/`. */
export const runOr = Effect.fnUntraced(function* (named: Option.Option<string>) {
  if (Option.isSome(named)) return named.value
  const fs = yield* FileSystem.FileSystem
  const entries = yield* Effect.orElseSucceed(fs.readDirectory("runs"), (): Array<string> => [])
  for (const entry of entries.toSorted().toReversed())
    if (yield* Effect.orElseSucceed(fs.exists(`runs/${entry}/report.json`), () => false)) return `runs/${entry}`
  return yield* new ConfigError({
    where: "--run",
    problems: ["there is no finished run under runs/; train one (npx pnpm pipeline:train) or name one with --run DIR"]
  })
})
