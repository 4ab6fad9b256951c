import type { Network } from "../Network.ts"
import { architectureOf } from "../networks.ts"

/** How a network's convolutions and poolings are padded; null where that is no choice. */
export const paddingOf = ({ blocks, name }: Network): string | null =>
  architectureOf(name)?.hasPadding !== true
    ? null
    : blocks.some((block) => "padding" in block && block.padding === "same")
      ? "same"
      : "symmetric"
