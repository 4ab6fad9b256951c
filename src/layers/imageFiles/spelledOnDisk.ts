import { access } from "node:fs/promises"

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false
  )

/**
 * A path as the disk has it, where only the Unicode form of its names differs; undefined where there is none.
 *
 * `é` is one character (NFC) or two (NFD), which look alike: macOS and archives made on it write two, most tables one.
 * Source: Unicode Standard Annex 15.
 */
export const spelledOnDisk = async (path: string): Promise<string | undefined> => {
  if (path.normalize("NFC") === path && path.normalize("NFD") === path) return undefined
  let found = ""
  for (const [i, name] of path.split("/").entries()) {
    const begun = i === 0 ? "" : `${found}/`
    const spellings = [...new Set([name, name.normalize("NFC"), name.normalize("NFD")])]
    const there = await Promise.all(spellings.map((spelling) => isThere(begun + spelling || "/")))
    const spelling = spellings[there.indexOf(true)]
    if (spelling === undefined) return undefined
    found = begun + spelling
  }
  return found
}
