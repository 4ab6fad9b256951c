/** What a rule makes of a name that it fits: `$1` stands for its first group. */
type Rule = readonly [pattern: RegExp, name: string]

/** Blocks before each stage of MobileNetV2, counting the stem: `blocks.STAGE.INDEX` is `features.(start + INDEX)`. */
const stageStarts = [1, 2, 4, 7, 11, 14, 17]

const byRules =
  (rules: ReadonlyArray<Rule>) =>
  (name: string): string => {
    for (const [pattern, to] of rules) if (pattern.test(name)) return name.replace(pattern, to)
    return name
  }

const mobilenetEnds = byRules([
  [/^conv_stem\./, "features.0.0."],
  [/^bn1\./, "features.0.1."],
  [/^conv_head\./, "features.18.0."],
  [/^bn2\./, "features.18.1."],
  [/^classifier\.(weight|bias)$/, "classifier.1.$1"]
])

/** The first block filters right away; all others widen before. */
const first = byRules([
  [/^conv_dw\./, "0.0."],
  [/^bn1\./, "0.1."],
  [/^conv_pw\./, "1."],
  [/^bn2\./, "2."]
])
const others = byRules([
  [/^conv_pw\./, "0.0."],
  [/^bn1\./, "0.1."],
  [/^conv_dw\./, "1.0."],
  [/^bn2\./, "1.1."],
  [/^conv_pwl\./, "2."],
  [/^bn3\./, "3."]
])

const mobilenet = (name: string): string => {
  const match = /^blocks\.(\d+)\.(\d+)\.(.*)$/.exec(name)
  if (match === null) return mobilenetEnds(name)
  const [, stage, index, rest] = match as unknown as [string, string, string, string] // three groups
  return `features.${(stageStarts[Number(stage)] ?? NaN) + Number(index)}.conv.${(stage === "0" ? first : others)(rest)}`
}

const vgg = byRules([
  [/^pre_logits\.fc1\./, "classifier.0."],
  [/^pre_logits\.fc2\./, "classifier.3."],
  [/^head\.fc\./, "classifier.6."]
])

/**
 * torchvision's name of a tensor, which is ours, for one of timm's or of torchvision's own; undefined where no inference
 * needs it.
 *
 * Source: timm's models/mobilenetv2_100 (efficientnet.py) and models/vgg.py.
 */
export const pretrainedName = (network: string, name: string): string | undefined => {
  if (name.endsWith(".num_batches_tracked")) return undefined
  return network === "mobilenet-v2" ? mobilenet(name) : network === "vgg16" ? vgg(name) : name
}
