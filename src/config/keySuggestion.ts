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
  ema: ["train.average"],
  trainema: ["train.average"],
  swa: ["train.average"],
  trainswa: ["train.average"],
  distillation: ["train.teacher"],
  llrd: ["train.layerDecay"],
  layerwisedecay: ["train.layerDecay"],
  layerlrdecay: ["train.layerDecay"],
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

/** The section that a path names a key of, where there is one. */
const sectionOf = (path: string, keys: ReadonlyArray<string>): string | undefined => {
  const section = path.slice(0, Math.max(0, path.lastIndexOf(".")))
  return keys.includes(section) ? section : undefined
}

/** The keys of a section without its name, and not those of sections within it. */
const keysOf = (section: string, keys: ReadonlyArray<string>): ReadonlyArray<string> =>
  keys.flatMap((key) => {
    const rest = key.startsWith(`${section}.`) ? key.slice(section.length + 1) : ""
    return rest === "" || rest.includes(".") ? [] : [rest]
  })

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
  const section = sectionOf(path, keys)
  const same = keys.filter((key) => plain(lastOf(key)) === last)
  const beside = section === undefined ? same : same.filter((key) => key.startsWith(`${section}.`))
  if (beside.length > 0 && beside.length <= most) return beside
  if (same.length === 1) return same
  const similar = nearest(path, keys)
  return similar === undefined ? [] : [similar]
}

/** That a text is a section's name, and which keys it has. */
export const isSectionText = (path: string, keys: ReadonlyArray<string>): string | undefined => {
  const [first] = keysOf(path, keys)
  return first === undefined
    ? undefined
    : `this is a section of keys, such as \`${path}.${first}\`; it has ${keysOf(path, keys).join(", ")}`
}

/** The choice that a mistyped value most likely means, as the end of a sentence: `; did you mean "adam"?`, or nothing. */
export const meantChoice = (value: string, choices: ReadonlyArray<string>): string => {
  const choice = nearest(value, choices)
  return choice === undefined ? "" : `; did you mean ${JSON.stringify(choice)}?`
}

/** The end of a sentence that says that there is no such key: "; did you mean `train.epochs`?", or nothing. */
export const didYouMean = (path: string, keys: ReadonlyArray<string>): string => {
  const meant = keySuggestion(path, keys).map((key) => `\`${key}\``)
  const last = meant.at(-1)
  if (last === undefined) {
    const section = path.length > 200 ? undefined : sectionOf(path, keys)
    const own = section === undefined ? [] : keysOf(section, keys)
    // A key that may also be a table has none in the list.
    return own.length === 0 ? "" : `; the keys of \`${section}\` are ${own.join(", ")}`
  }
  return `; did you mean ${meant.length === 1 ? last : `${meant.slice(0, -1).join(", ")} and ${last}`}?`
}
