/** Prefixes of tensor names: timm's, and torchvision's, which are ours. */
export type NamePair = readonly [timm: string, ours: string]

/** A name with another beginning, by the first pair that fits; the name itself where none does. */
export const renamed = (pairs: ReadonlyArray<NamePair>, name: string, to: "ours" | "timm"): string => {
  for (const [timm, ours] of pairs) {
    const [from, into] = to === "ours" ? [timm, ours] : [ours, timm]
    if (name.startsWith(from)) return into + name.slice(from.length)
  }
  return name
}

/** The texts of a pattern's two groups, neither of them optional; undefined where a name does not match. */
export const twoGroups = (pattern: RegExp, name: string): readonly [string, string] | undefined => {
  const [, one, two] = pattern.exec(name) ?? []
  return one === undefined || two === undefined ? undefined : [one, two]
}

/** The same of three groups. */
export const threeGroups = (pattern: RegExp, name: string): readonly [string, string, string] | undefined => {
  const [, one, two, three] = pattern.exec(name) ?? []
  return one === undefined || two === undefined || three === undefined ? undefined : [one, two, three]
}
