import { Schema } from "effect"
import { Block } from "./Block.ts"

/** What the logits of one label column mean. */
export const Head = Schema.Struct({
  /** The label column's. */
  name: Schema.String,
  classes: Schema.Int,
  /** `softmax`: exactly one class is true; `sigmoid`: each class is true or not, by itself. */
  kind: Schema.Literals(["softmax", "sigmoid"])
})
export type Head = typeof Head.Type

/** A network as data: blocks, applied one after the other to NHWC images (or what is shaped like them), down to logits (N, classes). */
export const Network = Schema.Struct({
  name: Schema.NonEmptyString,
  height: Schema.Int,
  width: Schema.Int,
  /** Of the input; 3, red, green and blue, where left out. */
  channels: Schema.optionalKey(Schema.Int),
  /** Logits: the classes of all heads together. */
  classes: Schema.Int,
  /** The heads, one for each label column, in the order of their logits; one `softmax` over all classes where left out. */
  heads: Schema.optionalKey(Schema.Array(Head)),
  blocks: Schema.Array(Block)
})
export type Network = typeof Network.Type

/** The heads of a network, one at least. */
export const headsOf = ({ classes, heads }: Pick<Network, "classes" | "heads">): ReadonlyArray<Head> =>
  heads ?? [{ name: "label", classes, kind: "softmax" }]
