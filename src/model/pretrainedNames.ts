import { architectureOf } from "./networks.ts"

/**
 * torchvision's name of a tensor, which is ours, for one of timm's or of torchvision's own; undefined where no inference
 * needs it.
 */
export const pretrainedName = (network: string, name: string): string | undefined =>
  name.endsWith(".num_batches_tracked") ? undefined : (architectureOf(network)?.timm?.toOurs(name) ?? name)

/** timm's name of a tensor of ours, with the head `fc`. */
export const timmName = (network: string, name: string): string => architectureOf(network)?.timm?.toTimm(name) ?? name
