import { Effect, FileSystem, Option } from "effect"
import { report } from "../pipeline/Progress.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { weftCommand } from "../config/weftCommand.ts"

/** The folders under `runs/` that have a file, newest file first; equally new ones by their names. */
const withFile = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const entries = yield* Effect.orElseSucceed(fs.readDirectory("runs"), (): Array<string> => [])
  const found = yield* Effect.forEach(entries, (entry) =>
    fs.stat(`runs/${entry}/${file}`).pipe(
      Effect.map(({ mtime }) => [
        { path: `runs/${entry}`, time: Option.match(mtime, { onNone: () => 0, onSome: (date) => date.getTime() }) }
      ]),
      Effect.orElseSucceed(() => [])
    )
  )
  return found
    .flat()
    .toSorted((a, b) => b.time - a.time || (a.path < b.path ? 1 : -1))
    .map(({ path }) => path)
})

/** The named run, or else the newest finished one under `runs/`, which is then reported. */
export const runOr = Effect.fnUntraced(function* (named: Option.Option<string>) {
  if (Option.isSome(named)) return named.value
  const [newest] = yield* withFile("report.json")
  if (newest === undefined)
    return yield* new ConfigError({
      where: "--run",
      problems: [`there is no finished run under runs/; train one (${weftCommand("train")}) or name one with --run DIR`]
    })
  yield* report({ _tag: "Note", line: `run ${newest}, the newest that is finished` })
  return newest
})

/** The folders under `runs/` that have begun and are not finished, the newest first: by a file of each. */
export const unfinished = Effect.fnUntraced(function* (begun: string, done: string) {
  const finished = new Set(yield* withFile(done))
  return (yield* withFile(begun)).filter((path) => !finished.has(path))
})

/** The newest run under `runs/`, finished or not, which is then reported; undefined where there is none. */
export const newestRun = Effect.gen(function* () {
  const [newest] = yield* withFile("config.json")
  if (newest !== undefined) yield* report({ _tag: "Note", line: `run ${newest}, the newest` })
  return newest
})

/** The error of `--resume` where there is nothing to go on with. */
export const nothingToResume = (what: "run" | "search") =>
  new ConfigError({
    where: "--resume",
    problems: [`there is no interrupted ${what} under runs/; name one with --run DIR`]
  })
