import type { Network } from "../Network.ts"
import { architectureOf } from "../networks.ts"

/** The padding of a network's convolutions and poolings; null where it makes no difference. */
export const paddingOf = ({ blocks, name }: Network): string | null =>
  architectureOf(name)?.hasPadding !== true
    ? null
    : blocks.some((block) => "padding" in block && block.padding === "same")
      ? "same"
      : "symmetric"
