import { Schema } from "effect"

/**
 * The layers of a head, for `network.head` and for a label column's own `head`: `fc` is one linear layer, `batchnorm` a
 * linear layer of 256, batch norm, ReLU, dropout 0.5 and a linear layer. It stands here because label columns are
 * configured in the pipeline, which does not know the model; `model/networks/heads.ts` builds the layers.
 */
export const HeadLayers = Schema.Literals(["fc", "batchnorm"])
export type HeadLayers = typeof HeadLayers.Type
