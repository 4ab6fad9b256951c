import { Console, Effect, Option, Path } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { openInBrowser } from "../layers/openInBrowser.ts"
import { writePages } from "../run/report/writePages.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { runOr } from "./latestRun.ts"
import * as options from "./options.ts"

const flags = {
  runs: Argument.String("run").pipe(
    Argument.withDescription("Folders of runs; the newest finished one under runs/ where left out"),
    Argument.atLeast(0)
  ),
  open: Flag.Boolean("open").pipe(Flag.withDescription("Opens the page in the browser"), Flag.withDefault(false)),
  json: options.json
}

/** Makes a run's page again. */
const onePage = Effect.fnUntraced(function* (path: string) {
  const folder = yield* Runs.use((runs) => runs.existing(path))
  yield* writePages().pipe(Effect.provideService(RunFolder, folder))
  return `${path}/report.html`
})

/** Makes the page of a run again, or one that compares several. */
export const report = Command.make(
  "report",
  flags,
  Effect.fnUntraced(function* ({ json, open, runs }) {
    const { resolve } = yield* Path.Path
    const page = yield* onePage(yield* runOr(Option.fromNullishOr(runs[0])))
    yield* Console.log(json ? JSON.stringify({ page }, null, 2) : page)
    if (open && !(yield* openInBrowser(resolve(page))))
      yield* Console.error(`No browser could be started here; the page is ${resolve(page)}`)
  })
).pipe(Command.withDescription("Makes the page of a run again, or one that compares several runs"))
