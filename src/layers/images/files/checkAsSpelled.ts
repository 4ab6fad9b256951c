import { Effect } from "effect"
import type { ImageRefused, Images } from "../../../pipeline/Images.ts"
import { spelledOnDisk } from "./spelledOnDisk.ts"

type Check = Images["Service"]["check"]

/** Looks at a file that is not there under the name that the disk has, where that differs by its Unicode form alone. */
export const checkAsSpelled =
  (check: Check, isOnDisk: (path: string) => boolean): Check =>
  (path, config, expected) =>
    check(path, config, expected).pipe(
      Effect.catchIf(
        ({ reason }) => reason === "imageMissing" && isOnDisk(path),
        Effect.fnUntraced(function* (missing: ImageRefused) {
          const found = yield* Effect.promise(() => spelledOnDisk(path))
          return found === undefined ? yield* missing : { ...(yield* check(found, config, expected)), path: found }
        })
      )
    )
