import type { Tokens } from "../../../model/Block.ts"
import type { Kernel } from "./Pass.ts"

/** The same numbers, row by row: (N, height, width, channels) as (N, height * width, channels). */
export const tokens: Kernel<typeof Tokens.Type> = (_block, { data, shape }) => {
  const [size, height, width, channels] = shape as readonly [number, number, number, number] // the shapes were checked
  return { output: { shape: [size, height * width, channels], data }, backward: (gradient) => gradient }
}
