import { Effect } from "effect"
import type { Images } from "../../pipeline/Images.ts"
import { spelledOnDisk } from "./spelledOnDisk.ts"

type Check = Images["Service"]["check"]

/** Looks at a file that is not there under the name that the disk has, where that differs by its Unicode form alone. */
export const checkAsSpelled =
  (check: Check): Check =>
  (path, config) =>
    Effect.catch(check(path, config), (error) =>
      error.reason !== "imageMissing"
        ? Effect.fail(error)
        : Effect.flatMap(
            Effect.promise(() => spelledOnDisk(path)),
            (found) =>
              found === undefined
                ? Effect.fail(error)
                : Effect.map(check(found, config), (facts) => ({ ...facts, path: found }))
          )
    )
