import { Context } from "effect"
import type { Effect } from "effect"
import type { Checkpoints } from "../model/Checkpoints.ts"
import type { RunFolder, RunFolderError } from "./RunFolder.ts"

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
>()("weft/run/Runs") {}
