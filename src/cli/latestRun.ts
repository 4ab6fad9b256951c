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

/** The error of `--resume` without `--run`; `begun` is a file of runs that have begun, `done` of finished ones. */
export const resumeWhich = Effect.fnUntraced(function* (command: string, begun: string, done: string) {
  const finished = new Set(yield* withFile(done))
  const newest = (yield* withFile(begun)).find((path) => !finished.has(path))
  const which =
    newest === undefined
      ? "none under runs/ is unfinished"
      : `the newest that is not finished: ${weftCommand(`${command} --run ${newest} --resume`)}`
  return new ConfigError({ where: "--resume", problems: [`goes with --run DIR, which says what goes on; ${which}`] })
})
