import { percent } from "../../metrics/numberText.ts"
import type { Interval } from "../../metrics/wilson.ts"

/** In the place of a value that does not exist. */
export const dash = "–"

/** `43,332`. */
export const count = (n: number): string => n.toLocaleString("en", { maximumFractionDigits: 0 })

/** A share, or a dash. */
export const share = (value: number | null | undefined): string =>
  value === null || value === undefined ? dash : percent(value)

/** A loss in nats, or a dash. */
export const loss = (value: number | null | undefined): string =>
  value === null || value === undefined ? dash : value.toFixed(4)

/** `88.7 to 90.5 %`, or a dash. */
export const interval = (bounds: Interval | null | undefined): string =>
  bounds === null || bounds === undefined ? dash : `${(100 * bounds.low).toFixed(1)} to ${percent(bounds.high)}`

/** A learning rate by its significant digits. */
export const rate = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(2).replace(/\.?0+e/, "e")
    : String(Number(value.toPrecision(4)))

/** The network and its head: `mobilenet-v2 (fc)`. */
export const networkName = ({ head, network }: { readonly network: string; readonly head: string | null }): string =>
  head === null ? network : `${network} (${head})`
