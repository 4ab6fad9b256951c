import { Console, Effect, FileSystem, Option, Path } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { atomicWrite } from "../layers/storage/atomicWrite.ts"
import { ConfigError } from "../config/RunConfig.ts"
import { compareRuns } from "../run/report/compareRuns.ts"
import { writeReport } from "../run/report/writeReport.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { runOr } from "./latestRun.ts"
import { openPage } from "./openPage.ts"
import * as options from "./options.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  named: options.runs.pipe(Flag.withDescription("A run's folder, as in the other commands; several are compared")),
  runs: Argument.String("run").pipe(
    Argument.withDescription("Folders of runs; the newest finished one under runs/ where left out"),
    Argument.atLeast(0)
  ),
  out: Flag.String("out").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where a comparison is written; comparison.html beside the first run where left out"),
    Flag.optional
  ),
  open: Flag.Boolean("open").pipe(Flag.withDescription("Opens the page in the browser"), Flag.withDefault(false)),
  json: options.json
}

/** Refuses a folder with neither a run nor a search. */
const checkRun = Effect.fnUntraced(function* (path: string) {
  const { join } = yield* Path.Path
  const fs = yield* FileSystem.FileSystem
  const type = yield* fs.stat(path).pipe(
    Effect.map((found) => found.type),
    Effect.catchTag("PlatformError", ({ reason }) => Effect.succeed(reason._tag === "NotFound" ? undefined : "Unknown"))
  )
  // `Runs` says so of a file, or of one above.
  if (type !== undefined && type !== "Directory") return
  for (const file of ["report.json", "config.json", "search.json"])
    if (yield* Effect.orElseSucceed(fs.exists(join(path, file)), () => false)) return
  return yield* new ConfigError({
    where: `--run ${path}`,
    problems: [
      type === undefined
        ? "there is no such folder"
        : "there is no run and no search in this folder (it has no config.json and no search.json)"
    ]
  })
})

/** Makes a run's page again, in its folder. */
const onePage = Effect.fnUntraced(function* (path: string) {
  const { join } = yield* Path.Path
  const runs = yield* Runs
  const folder = yield* runs.existing(path)
  // A search's page can be made while the search runs. A run's page is written by one process at a time.
  if (yield* folder.has("report.json")) yield* runs.hold(path, "wait")
  yield* writeReport().pipe(Effect.provideService(RunFolder, folder))
  return join(path, "report.html")
}, Effect.scoped)

/** Makes the page of a run again, or one that compares several. */
export const report = Command.make(
  "report",
  flags,
  Effect.fnUntraced(function* ({ json, named, open, out, runs: paths }) {
    const { dirname, join, resolve } = yield* Path.Path
    const runs = [...named, ...paths]
    const [first, ...others] = runs
    if (others.length === 0 && Option.isSome(out))
      return yield* new ConfigError({
        where: "--out",
        problems: ["is for several runs: the page of one run is report.html in its folder"]
      })
    yield* Effect.forEach(runs, checkRun, { discard: true })
    const page =
      first === undefined || others.length === 0
        ? yield* onePage(yield* runOr(Option.fromUndefinedOr(first)))
        : Option.getOrElse(out, () => join(dirname(resolve(first)), "comparison.html"))
    if (others.length > 0) yield* atomicWrite(page, yield* compareRuns(runs))
    yield* Console.log(json ? JSON.stringify({ page }, null, 2) : page)
    if (open) yield* openPage(resolve(page))
  })
).pipe(
  Command.withDescription("Makes the page of a run again, or one that compares several runs"),
  Command.withExamples([
    { command: weftCommand("report --open"), description: "The newest run, in the browser" },
    { command: weftCommand("report runs/first runs/second"), description: "Two runs beside each other" }
  ])
)
