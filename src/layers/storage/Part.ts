import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { readFile, rename, rm, stat, statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { flushFolder } from "./atomicWrite.ts"

/** A partial download: the bytes so far, and the version of the file (its ETag) that they belong to. */
export interface Part {
  readonly path: string
  readonly tagFile: string
}

export const partOf = (path: string): Part => ({ path: `${path}.part`, tagFile: `${path}.part.tag` })

/** The bytes so far, and their version; without a version a download cannot be resumed. */
export const stateOf = async ({ path, tagFile }: Part) => ({
  have: await stat(path).then(
    ({ size }) => size,
    () => 0
  ),
  tag: await readFile(tagFile, "utf8").catch(() => undefined)
})

export const dropPart = async ({ path, tagFile }: Part): Promise<void> => {
  await rm(path, { force: true })
  await rm(tagFile, { force: true })
}

/** Renames the part to the file: it is complete. */
export const finishPart = async ({ path, tagFile }: Part, name: string): Promise<void> => {
  await rename(path, name)
  await flushFolder(dirname(name))
  await rm(tagFile, { force: true })
}

export const checkSpace = async ({ path }: Part, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize < bytes) throw Object.assign(new Error("no space left"), { code: "ENOSPC" })
}

/** A file's known or published hash, in lower-case hex. */
export interface Hash {
  readonly algorithm: "sha256" | "md5"
  readonly hex: string
}

/** A file's hash in hex. */
export const hashOf = async (path: string, algorithm: Hash["algorithm"]): Promise<string> => {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  return hash.digest("hex")
}
