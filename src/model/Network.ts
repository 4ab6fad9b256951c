import { Schema } from "effect"
import { Block } from "./Block.ts"

/** A network as data: blocks, applied one after the other to NHWC images (or what is shaped like them), down to logits (N, classes). */
export const Network = Schema.Struct({
  name: Schema.NonEmptyString,
  height: Schema.Int,
  width: Schema.Int,
  /** Of the input; 3, red, green and blue, where left out. */
  channels: Schema.optionalKey(Schema.Int),
  classes: Schema.Int,
  blocks: Schema.Array(Block)
})
export type Network = typeof Network.Type
