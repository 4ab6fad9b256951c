import { Context, Effect, Layer } from "effect"
import { Checkpoints } from "../model/Checkpoints.ts"
import { RunFolder, RunFolderError } from "./RunFolder.ts"

/** Opens run folders by path. */
export class Runs extends Context.Service<
  Runs,
  {
    /** The folder of a run, made if it is not there, and its checkpoints, of which the last `keep` stay. */
    readonly open: (
      path: string,
      keep: number
    ) => Effect.Effect<
      { readonly folder: RunFolder["Service"]; readonly checkpoints: Checkpoints["Service"] },
      RunFolderError
    >
    /** The folder of a run that is there. */
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
