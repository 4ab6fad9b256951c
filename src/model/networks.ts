import { Effect, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Architecture, NetworkOptions } from "./Architecture.ts"
import type { Network } from "./Network.ts"
import type { NetworkConfig } from "./NetworkConfig.ts"
import { convnextAtto, convnextTiny } from "./networks/convnext.ts"
import { efficientnetB0 } from "./networks/efficientnet.ts"
import { mobilenetV2 } from "./networks/mobilenetV2.ts"
import { mobilenetV3Large } from "./networks/mobilenetV3.ts"
import { onnx } from "./networks/onnx.ts"
import { resnet18, resnet50 } from "./networks/resnet.ts"
import { simpleCnn } from "./networks/simpleCnn.ts"
import { vgg16 } from "./networks/vgg16.ts"
import { vitB16, vitS16 } from "./networks/vit.ts"
import { checkNetwork } from "./shapes.ts"
import { messageOf } from "../pipeline/messageOf.ts"

/** Every network that a configuration can name: a new one is a file and a line here. */
export const architectures = [
  simpleCnn,
  mobilenetV2,
  vgg16,
  resnet18,
  resnet50,
  mobilenetV3Large,
  efficientnetB0,
  convnextTiny,
  convnextAtto,
  vitS16,
  vitB16,
  onnx
] as const

export type NetworkName = (typeof architectures)[number]["name"]

// One for each name: the list's type says which they are.
const byName = Object.fromEntries(architectures.map((one) => [one.name, one])) as Record<NetworkName, Architecture>

const isListed = (name: string): name is NetworkName => Object.hasOwn(byName, name)

/** The facts of a network by its name; undefined for one that is not in the list, such as a test's. */
export const architectureOf = (name: string): Architecture | undefined => (isListed(name) ? byName[name] : undefined)

/** The names of those networks for which something holds, for documentation and messages: `mobilenet-v2, vgg16`. */
export const networksWith = (holds: (one: Architecture) => boolean): string =>
  architectures
    .filter(holds)
    .map(({ name }) => name)
    .join(", ")

/** The configured network does not fit the configured images: exit code 2. */
export class NetworkMisfit extends Schema.TaggedError<NetworkMisfit>()("NetworkMisfit", {
  network: Schema.String,
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `The network "${this.network}" does not fit: ${this.detail}. Set \`image.height\` and \`image.width\` to the size that it needs.`
  }
}

type Size = Pick<NetworkOptions, "height" | "width" | "classes">

/**
 * The configured network for images of a size and a number of classes; whether its blocks fit together is not checked.
 */
export const buildNetwork = (
  { backbone, head, name, padding = "symmetric" }: NetworkConfig,
  { classes, height, width }: Size
): Network => byName[name].build({ height, width, classes, head, padding, backbone })

/** The configured network for images of a size and a number of classes, checked that its blocks fit together. */
export const networkFor = Effect.fnUntraced(function* (config: NetworkConfig, size: Size) {
  const { name } = config
  return yield* Effect.try({
    try: () => {
      const network = buildNetwork(config, size)
      checkNetwork(network)
      return network
    },
    catch: (error) => new NetworkMisfit({ network: name, detail: messageOf(error) })
  })
})
