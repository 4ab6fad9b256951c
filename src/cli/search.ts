import { Console, Effect, FileSystem, Layer, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { clientLayer } from "../layers/search/cluster/ClusterSearch.ts"
import type { ClusterUrl } from "../layers/database/ClusterUrl.ts"
import { sayingWhich } from "../layers/database/Postgres.ts"
import { submitAndWatch } from "../layers/search/cluster/watch.ts"
import * as LocalSearch from "../layers/search/LocalSearch.ts"
import { namingSearchFile } from "../layers/search/SearchFileError.ts"
import { report } from "../pipeline/Progress.ts"
import { Machine } from "../run/Machine.ts"
import { RunError } from "../run/RunError.ts"
import { RunFolder } from "../run/RunFolder.ts"
import { Runs } from "../run/Runs.ts"
import { Pages } from "../run/report/Pages.ts"
import { openBoard } from "../run/search/Board.ts"
import type { Board } from "../run/search/Board.ts"
import { carryOut } from "../run/search/carryOut.ts"
import { searchPayload } from "../run/search/searchPayload.ts"
import { groupTrainer } from "../run/search/groupTrainer.ts"
import { runSearch } from "../run/search/runSearch.ts"
import { isRepeated } from "../run/search/SettingResult.ts"
import { bestToml } from "./bestToml.ts"
import { chosenCluster, cluster } from "./clusterFlag.ts"
import { openSearch } from "./openSearch.ts"
import * as options from "./options.ts"
import { searchJson, searchText, settingsCsv, trialsCsv } from "./searchTable.ts"
import { trainers } from "./trainers.ts"
import { weftCommand } from "../config/weftCommand.ts"

const flags = {
  config: options.config.pipe(
    Flag.withDescription(
      "The search: a .toml, .json or .yaml file; Weft's own configs/search-quick.toml where left out"
    ),
    Flag.optional
  ),
  set: options.set,
  run: options.run.pipe(Flag.withDescription("The search's folder; runs/<time>-<name> where left out"), Flag.optional),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription(
      "Goes on with the search in --run, or with the newest interrupted one: finished trials are not trained again"
    ),
    Flag.withDefault(false)
  ),
  parallel: Flag.Int("parallel").pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 }))),
    Flag.withDescription(
      "Trains N groups of trials side by side, each in a process of its own; with --cluster, for so many workers"
    ),
    Flag.withDefault(1)
  ),
  cluster,
  json: options.json
}

type Opened = Effect.Success<ReturnType<typeof openSearch>>

/** A search on this machine: its journal is in the search's folder. */
const here = Effect.fnUntraced(function* ({ folder, search, trials }: Opened, parallel: number, board: Board) {
  const file = `${folder.path}/search.sqlite`
  const payload = yield* searchPayload(search.config, trials, { folder: ".", places: parallel })
  return yield* carryOut(payload, parallel, groupTrainer(search.config, trials, folder.path), board.tell).pipe(
    Effect.provide(Layer.merge(LocalSearch.layer(file, runSearch), trainers(parallel))),
    namingSearchFile(file)
  )
})

/** Removes what a failed start left in the folder: a new search must not go on with it. */
const removeJournal = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  for (const ending of ["", "-wal", "-shm"]) yield* fs.remove(`${folder}/search.sqlite${ending}`, { force: true })
})

/** A search on a cluster: the file `cluster-key` in the folder tells workers which search the folder belongs to. */
const onCluster = Effect.fnUntraced(function* (
  { folder, search, trials }: Opened,
  parallel: number,
  board: Board,
  url: ClusterUrl
) {
  const fs = yield* FileSystem.FileSystem
  const { versions } = yield* Machine
  const payload = yield* searchPayload(search.config, trials, { folder: folder.path, places: parallel })
  const file = `${folder.path}/cluster-key`
  // A folder that is mounted at another path keeps its key, and so remains the same search.
  const key = yield* Effect.orElseSucceed(fs.readFileString(file), () => payload.key)
  yield* fs.writeFileString(file, key)
  yield* report({ _tag: "Note", line: `submitted to ${url.shown}; start workers with ${weftCommand("worker")}` })
  const submitted = {
    key,
    name: search.config.name,
    folder: folder.path,
    version: versions["weft"] ?? "unknown",
    config: JSON.stringify(search.config)
  }
  return yield* submitAndWatch({ ...payload, key }, submitted, board.tell).pipe(
    Effect.provide(clientLayer(url)),
    sayingWhich(url)
  )
})

/** Trains a network at many settings, and reports the best of them. */
export const search = Command.make(
  "search",
  flags,
  Effect.fnUntraced(function* ({ cluster: flag, json, parallel, ...asked }) {
    const url = yield* chosenCluster(flag)
    const opened = yield* openSearch(asked)
    const { folder, shown, trials } = opened
    const again = weftCommand(`search --run ${shown} --resume`)
    const carriedOut = Effect.gen(function* () {
      yield* report({ _tag: "Note", line: `search ${shown}: ${trials.length} trials` })
      // A cluster sends all news again.
      const search = Option.isSome(url) ? { ...opened.search, passes: { wanted: 0, made: 0 } } : opened.search
      const board = yield* openBoard(search, trials)
      const work = Effect.gen(function* () {
        return yield* Option.isSome(url) ? onCluster(opened, parallel, board, url.value) : here(opened, parallel, board)
      })
      const end = yield* Effect.onInterrupt(work, () => Effect.ignore(board.write))
      return yield* board.close(end)
    }).pipe(
      Effect.provideService(RunFolder, folder),
      Effect.onInterrupt(() =>
        Console.error(
          Option.isSome(url)
            ? `\nNo longer watched; the workers go on. To watch again: ${again}, with the same cluster`
            : `\nInterrupted. To go on: ${again}`
        )
      )
    )
    yield* Runs.use((runs) => runs.hold(folder.path, "refuse"))
    if (!asked.resume) yield* removeJournal(folder.path)
    const result = yield* carriedOut
    if (isRepeated(result)) yield* folder.write("settings.csv", yield* settingsCsv(result))
    yield* folder.write("trials.csv", yield* trialsCsv(result))
    const best = yield* bestToml(result, trials, shown)
    if (best !== undefined) yield* folder.write("best.toml", best)
    yield* Effect.flatMap(Pages, (write) => write(folder))
    yield* Console.log(json ? JSON.stringify(searchJson(result), null, 2) : searchText(result, shown))
    if (!result.trials.some(({ state }) => state === "finished"))
      return yield* new RunError({ run: shown, detail: "no trial was finished; search.json has each one's reason" })
  }, Effect.scoped)
).pipe(
  Command.withDescription("Trains a network at many settings, many in one pass, and reports the best of them"),
  Command.withExamples([
    { command: weftCommand("search"), description: "Search on the sample catalogue that Weft draws" },
    {
      command: weftCommand(
        "search --config configs/fashion/search.toml --set base.data.root=/data/fashion --parallel 2"
      ),
      description: "Search on a catalogue of your own, with two processes"
    },
    { command: weftCommand("search --run runs/first --resume"), description: "Go on with an interrupted search" },
    {
      command: `WEFT_CLUSTER=postgres://weft:…@db/weft ${weftCommand("search --run /mnt/shared/searches/first")}`,
      description: "Leave the work to a cluster's workers"
    }
  ])
)
