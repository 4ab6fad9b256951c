import type { Block, Initialiser } from "../Block.ts"

/** Heads that replace the last linear layer of a network that was trained on other classes. */
export type Head = "fc" | "batchnorm"

const dense = (name: string, units: number): Block => ({
  _tag: "Dense",
  name,
  units,
  bias: true,
  init: "xavier-uniform" satisfies Initialiser
})

/**
 * The two heads of the reference experiment, in the place of the layer `name`: `fc` is Linear(n, classes); `batchnorm`
 * is Linear(n, 256), batch norm, ReLU, dropout 0.5, Linear(256, classes). Weights Xavier-uniform, biases zero.
 */
export const head = (kind: Head, name: string, classes: number): ReadonlyArray<Block> =>
  kind === "fc"
    ? [dense(name, classes)]
    : [
        dense(`${name}.0.0`, 256),
        { _tag: "BatchNorm", name: `${name}.0.1`, eps: 1e-5, momentum: 0.1 },
        { _tag: "Activation", kind: "relu" },
        { _tag: "Dropout", name: `${name}.dropout`, rate: 0.5 },
        dense(`${name}.1`, classes)
      ]
