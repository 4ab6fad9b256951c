import { Effect, Path } from "effect"
import { ConfigError } from "../config/RunConfig.ts"
import type { RunConfig } from "../config/RunConfig.ts"

/** Fails where the files of a run or a search would lie among the photos. */
export const checkApart = Effect.fnUntraced(function* (path: string, configs: ReadonlyArray<RunConfig>) {
  const { resolve } = yield* Path.Path
  if (configs.some(({ data }) => data.root !== undefined && resolve(data.root) === resolve(path)))
    return yield* new ConfigError({
      where: `--run ${path}`,
      problems: ["this is the catalogue's own folder; name another one, such as --run runs/first"]
    })
})
