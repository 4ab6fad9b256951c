import { Effect } from "effect"
import { existsSync } from "node:fs"
import { readdir, rm, rmdir } from "node:fs/promises"
import { join } from "node:path"
import { names } from "./BackendFolder.ts"
import { backendError } from "./BackendError.ts"

/** Names that an installation gives: the rest of the folder is not ours. */
const isOurs = (name: string): boolean =>
  name === names.current ||
  name === names.downloads ||
  /^(\.new-\d+-|\.current\.\d+$|tensorflow-\d[^-]*-[cg]pu-)/.test(name)

/** Removes the backend and all that was fetched for it, and nothing else; whether there was any. */
export const uninstallBackend = Effect.fn("uninstallBackend")((root: string) =>
  Effect.tryPromise({
    try: async () => {
      if (!existsSync(root)) return false
      const all = await readdir(root)
      const ours = all.filter(isOurs)
      for (const name of ours) await rm(join(root, name), { recursive: true, force: true })
      if (ours.length === all.length) await rmdir(root)
      return ours.length > 0
    },
    catch: (cause) => backendError(`removing ${root}`, cause)
  })
)
