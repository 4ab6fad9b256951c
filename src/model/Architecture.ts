import type { Head, Network } from "./Network.ts"
import type { HeadLayers } from "../pipeline/HeadLayers.ts"
import type { BackboneFacts } from "./onnx/backbone.ts"
import type { Tensor } from "./Tensor.ts"

/** Which pixels surround an image: PyTorch's, the same on all sides, or TensorFlow's `same`. */
export type EdgePadding = "symmetric" | "same"

/** One of a network's heads: the logits of a label column, and the layers that they come from. */
export interface HeadOptions extends Head {
  /** The network's where left out. */
  readonly head?: HeadLayers | undefined
}

/** The parameters of a network: the images' size in pixels, its classes, and the configuration's choices. */
export interface NetworkOptions {
  readonly height: number
  readonly width: number
  /**
   * How many classes there are, of which an image has exactly one; or a head for each label column, of which one with
   * `softmax` gives the same network as its number of classes.
   */
  readonly classes: number | ReadonlyArray<HeadOptions>
  /** `fc` where left out. */
  readonly head?: HeadLayers
  /** `symmetric` where left out. */
  readonly padding?: EdgePadding
  /** Of the network `onnx`: what its file gives. */
  readonly backbone?: BackboneFacts | undefined
}

/** How timm's published weights of a network are called; torchvision's names are ours. */
export interface TimmNames {
  /** Our name of a tensor for timm's name; one of our names stays as it is. */
  readonly toOurs: (name: string) => string
  /** timm's name of a tensor for ours, with the head `fc`. */
  readonly toTimm: (name: string) => string
  /** A tensor as timm has it, by timm's name, where its shape there is another one. */
  readonly reshaped?: (name: string, tensor: Tensor) => Tensor
  /**
   * What timm and torchvision add to a batch norm's variance, where they differ; not in networks that pad as
   * TensorFlow.
   */
  readonly eps?: { readonly timm: number; readonly torchvision: number }
}

/**
 * All facts of a network. A new one is a file in `networks/` that exports one of these, and a line in `networks.ts`;
 * configuration, documentation, messages and exports follow.
 */
export interface Architecture<Name extends string = string> {
  readonly name: Name
  readonly build: (options: NetworkOptions) => Network
  /** The layer that gives the logits; the names of a head's tensors begin with it. */
  readonly classifier: string
  /** Whether the heads of the reference experiment can take the classifier's place. */
  readonly hasHeads: boolean
  /** Whether `padding` may be TensorFlow's: for networks whose weights were published with both. */
  readonly hasPadding: boolean
  /** Where trained weights are published; such a network can begin with them. */
  readonly timm?: TimmNames
  /** Of a network with an embedding for each patch of the image: the tensor's name, and the side of a patch in pixels. */
  readonly positions?: { readonly name: string; readonly patch: number }
}
