import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** An addon's name, with the hash of its sources: one that was compiled for another version of Weft is not taken for ours. */
export const addonName = (prefix: string, sources: string): string => {
  const hash = createHash("sha256")
  const files = readdirSync(sources, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ name, parentPath }) => join(parentPath, name))
  for (const path of paths.sort()) hash.update(readFileSync(path))
  return `${prefix}-${hash.digest("hex").slice(0, 12)}.node`
}
