import { readdir, rm, rmdir, stat } from "node:fs/promises"
import { join } from "node:path"

/** How a segment's name ends. */
export const extension = ".features"

const list = async (folder: string): Promise<ReadonlyArray<string>> => {
  try {
    return await readdir(folder)
  } catch {
    return [] // another process may have removed it
  }
}

const segmentsIn = async (folder: string) => {
  const names = (await list(folder)).filter((name) => name.endsWith(extension))
  const segments = names.map(async (name) => {
    const path = join(folder, name)
    try {
      const { mtimeMs, size } = await stat(path)
      return [{ path, usedAt: mtimeMs, size }]
    } catch {
      return []
    }
  })
  return (await Promise.all(segments)).flat()
}

/**
 * Removes the segments that were not used for the longest time, until all spaces together have at most `bytes`. Several
 * processes may do so at once; who reads a segment that is gone misses its rows, who writes to it begins another.
 */
export const evict = async (root: string, bytes: number): Promise<number> => {
  const folders = (await list(root)).map((name) => join(root, name))
  const segments = (await Promise.all(folders.map(segmentsIn))).flat()
  let total = segments.reduce((sum, { size }) => sum + size, 0)
  let removed = 0
  for (const { path, size } of segments.sort((a, b) => a.usedAt - b.usedAt)) {
    if (total <= bytes) break
    await rm(path, { force: true })
    total -= size
    removed++
  }
  // Only those that are empty go.
  if (removed > 0) await Promise.all(folders.map((folder) => rmdir(folder).catch(() => {})))
  return removed
}
