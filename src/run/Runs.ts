import { Context, Effect, Layer } from "effect"
import type { Scope } from "effect"
import { Checkpoints } from "../model/Checkpoints.ts"
import { RunFolder, RunFolderError } from "./RunFolder.ts"

/** Opens run folders by path. */
export class Runs extends Context.Service<
  Runs,
  {
    /**
     * Locks a run's folder until the Scope closes. Makes the folder if it is missing, and removes it at the end if
     * nothing was written into it.
     *
     * Where another process works in it, `refuse` fails with `busy`; `wait` reports a note and waits. A process that
     * was stopped for long may lose a run to another one: its writes through `open` then fail, and change nothing.
     */
    readonly hold: (path: string, whenBusy: "refuse" | "wait") => Effect.Effect<void, RunFolderError, Scope.Scope>
    /** The folder of a run, made with its first file, and its checkpoints, of which the last `keep` stay. */
    readonly open: (
      path: string,
      keep: number
    ) => Effect.Effect<
      { readonly folder: RunFolder["Service"]; readonly checkpoints: Checkpoints["Service"] },
      RunFolderError
    >
    /** The folder of an existing run. */
    readonly existing: (path: string) => Effect.Effect<RunFolder["Service"], RunFolderError>
  }
>()("weft/run/Runs") {
  /** Folders in memory, for tests and for programs that keep nothing; each lives as long as the Layer. */
  static readonly layerMemory = Layer.sync(Runs, () => {
    const runs = new Map<
      string,
      { readonly folder: RunFolder["Service"]; readonly checkpoints: Checkpoints["Service"] }
    >()
    return {
      // No other process has this memory.
      hold: () => Effect.void,
      open: Effect.fnUntraced(function* (path, keep) {
        const known = runs.get(path)
        if (known !== undefined) return known
        const opened = yield* Effect.all({ folder: RunFolder, checkpoints: Checkpoints }).pipe(
          Effect.provide([Layer.fresh(RunFolder.layerMemory), Layer.fresh(Checkpoints.layerMemory(keep))])
        )
        runs.set(path, opened)
        return opened
      }),
      existing: (path) =>
        Effect.suspend(() => {
          const run = runs.get(path)
          return run === undefined
            ? Effect.fail(new RunFolderError({ path, reason: "missing", detail: "there is no such folder" }))
            : Effect.succeed(run.folder)
        })
    }
  })
}
