import type { HeadLayers } from "../../pipeline/HeadLayers.ts"
import type { HeadOptions, NetworkOptions } from "../Architecture.ts"
import type { Block, Initialiser } from "../Block.ts"
import type { Head, Network } from "../Network.ts"

const dense = (name: string, units: number, init: Initialiser): Block => ({
  _tag: "Dense",
  name,
  units,
  bias: true,
  init
})

/**
 * The two heads of the reference experiment, in the place of the layer `name`: `fc` is Linear(n, classes); `batchnorm`
 * is Linear(n, 256), batch norm, ReLU, dropout 0.5, Linear(256, classes). Weights Xavier-uniform, biases zero.
 */
const experimentHead = (kind: HeadLayers, name: string, classes: number): ReadonlyArray<Block> =>
  kind === "fc"
    ? [dense(name, classes, "xavier-uniform")]
    : [
        dense(`${name}.0.0`, 256, "xavier-uniform"),
        { _tag: "BatchNorm", name: `${name}.0.1`, eps: 1e-5, momentum: 0.1 },
        { _tag: "Activation", kind: "relu" },
        { _tag: "Dropout", name: `${name}.dropout`, rate: 0.5 },
        dense(`${name}.1`, classes, "xavier-uniform")
      ]

/** What the tensors' names of a network's head begin with: the classifier's name where it is the only one. */
export const headName = (classifier: string, { heads }: Pick<Network, "heads">, index: number): string =>
  heads === undefined ? classifier : `${classifier}.heads.${index}`

/** The end of a network: what it says of its logits, and the blocks that give them. */
interface NetworkEnd {
  readonly logits: Pick<Network, "classes" | "heads">
  readonly blocks: ReadonlyArray<Block>
}

const isPlain = (columns: ReadonlyArray<Head>): boolean => columns.length === 1 && columns[0]?.kind === "softmax"

/** The end of a network in the place of its layer `classifier`, with one head for each column, made by `layers`. */
const endOf = (
  { classes }: NetworkOptions,
  classifier: string,
  layers: (name: string, classes: number, own: HeadLayers | undefined) => ReadonlyArray<Block>
): NetworkEnd => {
  const columns: ReadonlyArray<HeadOptions> =
    typeof classes === "number" ? [{ name: "", classes, kind: "softmax" }] : classes
  const sum = columns.reduce((sum, one) => sum + one.classes, 0)
  if (isPlain(columns))
    return { logits: { classes: sum }, blocks: columns.flatMap((one) => layers(classifier, sum, one.head)) }
  const logits = { classes: sum, heads: columns.map(({ classes, kind, name }) => ({ name, classes, kind })) }
  const heads = columns.map((one, k) => ({ blocks: layers(headName(classifier, logits, k), one.classes, one.head) }))
  return { logits, blocks: [{ _tag: "Heads", heads }] }
}

/** An end with the heads of the reference experiment: each column's own kind, or else the network's. */
export const headedEnd = (options: NetworkOptions, classifier: string): NetworkEnd =>
  endOf(options, classifier, (name, classes, own) => experimentHead(own ?? options.head ?? "fc", name, classes))

/** An end with one linear layer for each column, which begins as PyTorch's layers do. */
export const linearEnd = (options: NetworkOptions, classifier: string): NetworkEnd =>
  endOf(options, classifier, (name, classes) => [dense(name, classes, "torch")])
