/** What names begin with in timm's networks, and in torchvision's, whose names are ours. */
type Pair = readonly [timm: string, ours: string]

/** Blocks before each stage of MobileNetV2, counting the stem: `blocks.STAGE.INDEX` is `features.(start + INDEX)`. */
const stageStarts = [1, 2, 4, 7, 11, 14, 17]

/** A name with another beginning, by the first pair that fits; itself where none does. */
const renamed = (pairs: ReadonlyArray<Pair>, name: string, to: "ours" | "timm"): string => {
  for (const [timm, ours] of pairs) {
    const [old, fresh] = to === "ours" ? [timm, ours] : [ours, timm]
    if (name.startsWith(old)) return fresh + name.slice(old.length)
  }
  return name
}

const mobilenetEnds: ReadonlyArray<Pair> = [
  ["conv_stem.", "features.0.0."],
  ["bn1.", "features.0.1."],
  ["conv_head.", "features.18.0."],
  ["bn2.", "features.18.1."],
  ["classifier.weight", "classifier.1.weight"],
  ["classifier.bias", "classifier.1.bias"]
]

/** The first block filters right away; all others widen before. */
const first: ReadonlyArray<Pair> = [
  ["conv_dw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_pw.", "1."],
  ["bn2.", "2."]
]
const others: ReadonlyArray<Pair> = [
  ["conv_pw.", "0.0."],
  ["bn1.", "0.1."],
  ["conv_dw.", "1.0."],
  ["bn2.", "1.1."],
  ["conv_pwl.", "2."],
  ["bn3.", "3."]
]

const mobilenet = (name: string): string => {
  const match = /^blocks\.(\d+)\.(\d+)\.(.*)$/.exec(name)
  if (match === null) return renamed(mobilenetEnds, name, "ours")
  const [, stage, index, rest] = match as unknown as [string, string, string, string] // three groups
  const inner = renamed(stage === "0" ? first : others, rest, "ours")
  return `features.${(stageStarts[Number(stage)] ?? NaN) + Number(index)}.conv.${inner}`
}

const timmMobilenet = (name: string): string => {
  const match = /^features\.(\d+)\.conv\.(.*)$/.exec(name)
  if (match === null) return renamed(mobilenetEnds, name, "timm")
  const [, index, rest] = match as unknown as [string, string, string] // two groups
  const stage = stageStarts.findLastIndex((start) => start <= Number(index))
  const inner = renamed(stage === 0 ? first : others, rest, "timm")
  return `blocks.${stage}.${Number(index) - (stageStarts[stage] ?? NaN)}.${inner}`
}

const vgg: ReadonlyArray<Pair> = [
  ["pre_logits.fc1.", "classifier.0."],
  ["pre_logits.fc2.", "classifier.3."],
  ["head.fc.", "classifier.6."]
]

/**
 * torchvision's name of a tensor, which is ours, for one of timm's or of torchvision's own; undefined where no inference
 * needs it.
 *
 * Source: timm's models/mobilenetv2_100 (efficientnet.py) and models/vgg.py.
 */
export const pretrainedName = (network: string, name: string): string | undefined => {
  if (name.endsWith(".num_batches_tracked")) return undefined
  return network === "mobilenet-v2" ? mobilenet(name) : network === "vgg16" ? renamed(vgg, name, "ours") : name
}

/** timm's name of a tensor of ours, with the head `fc`: the other way round. */
export const timmName = (network: string, name: string): string =>
  network === "mobilenet-v2" ? timmMobilenet(name) : network === "vgg16" ? renamed(vgg, name, "timm") : name
