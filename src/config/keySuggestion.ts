import { nearest } from "./nearest.ts"

/** Names that other tools have for keys of ours, in lower case without dots, dashes and underscores. */
const otherNames: Readonly<Record<string, ReadonlyArray<string>>> = {
  size: ["image.height", "image.width"],
  imagesize: ["image.height", "image.width"],
  imgsize: ["image.height", "image.width"],
  imgsz: ["image.height", "image.width"],
  inputsize: ["image.height", "image.width"],
  resolution: ["image.height", "image.width"],
  imageresolution: ["image.height", "image.width"],
  lr: ["train.learningRate"],
  trainlr: ["train.learningRate"],
  batch: ["train.batchSize"],
  trainbatch: ["train.batchSize"],
  bs: ["train.batchSize"],
  model: ["network.name"],
  arch: ["network.name"]
}

const plain = (text: string): string => text.toLowerCase().replaceAll(/[._-]/g, "")

const lastOf = (path: string): string => path.slice(path.lastIndexOf(".") + 1)

/** The keys at these paths, in a section or not: a search has a run's keys under `base`. */
const keysNamed = (names: ReadonlyArray<string>, keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.flatMap((name) => keys.filter((key) => key === name || key.endsWith(`.${name}`)).slice(0, 1))

/** Most keys that a message suggests. */
const most = 3

/**
 * The keys that an unknown path most likely means: another tool's name for a key, the nearest in spelling, or the same
 * name in another section. None where all are far off.
 */
export const keySuggestion = (path: string, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (path.length > 200) return []
  const name = plain(path.replace(/^base\./, ""))
  const known = Object.hasOwn(otherNames, name) ? keysNamed(otherNames[name] ?? [], keys) : []
  if (known.length > 0) return known
  const last = plain(lastOf(path))
  const same = keys.filter((key) => plain(lastOf(key)) === last)
  if (same.length > 0 && same.length <= most) return same
  const similar = nearest(path, keys)
  return similar === undefined ? [] : [similar]
}

/** The end of the sentence on an unknown key: "; did you mean `train.epochs`?", or nothing. */
export const didYouMean = (path: string, keys: ReadonlyArray<string>): string => {
  const meant = keySuggestion(path, keys).map((key) => `\`${key}\``)
  const last = meant.at(-1)
  if (last === undefined) return ""
  return `; did you mean ${meant.length === 1 ? last : `${meant.slice(0, -1).join(", ")} and ${last}`}?`
}
