import { paddingOf } from "./export/paddingOf.ts"
import type { Network } from "./Network.ts"
import { architectureOf } from "./networks.ts"
import type { Tensor } from "./Tensor.ts"

/**
 * A tensor under our names from one under timm's, or back, where their batch norms add another number to the variance:
 * the running variance is moved by the difference, and inference gives the same numbers. Any other tensor as it is.
 */
export const timmVariance = (network: Network, to: "ours" | "timm") => {
  const eps = architectureOf(network.name)?.timm?.eps
  const shift = eps === undefined || paddingOf(network) === "same" ? 0 : eps.timm - eps.torchvision
  return (name: string, { data, shape }: Tensor): Tensor => ({
    shape,
    data: shift !== 0 && name.endsWith(".running_var") ? data.map((x) => (to === "ours" ? x + shift : x - shift)) : data
  })
}
