import { Effect, Schema } from "effect"
import * as Runtime from "effect/Runtime"
import type { Network } from "./Network.ts"
import type { NetworkConfig } from "./NetworkConfig.ts"
import { mobilenetV2 } from "./networks/mobilenetV2.ts"
import { simpleCnn } from "./networks/simpleCnn.ts"
import { vgg16 } from "./networks/vgg16.ts"
import { checkNetwork } from "./shapes.ts"

/** The configured network does not fit the configured images: exit code 2. */
export class NetworkMisfit extends Schema.TaggedError<NetworkMisfit>()("NetworkMisfit", {
  network: Schema.String,
  detail: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return `The network "${this.network}" does not fit: ${this.detail}. Set \`image.height\` and \`image.width\` to what it needs.`
  }
}

interface Size {
  readonly height: number
  readonly width: number
  readonly classes: number
}

/** The networks by name; a new one is one more file and a line here. */
const networks: Readonly<
  Record<NetworkConfig["name"], (options: Size & Pick<NetworkConfig, "head" | "padding">) => Network>
> = {
  "simple-cnn": ({ classes, height, width }) => simpleCnn({ classes, height, width }),
  "mobilenet-v2": (options) => mobilenetV2({ ...options, padding: options.padding ?? "symmetric" }),
  vgg16
}

/** The configured network for images of a size and a number of classes, checked that its blocks fit together. */
export const networkFor = Effect.fnUntraced(function* (config: NetworkConfig, size: Size) {
  const network = networks[config.name]({ ...config, ...size })
  yield* Effect.try({
    try: () => checkNetwork(network),
    catch: (error) =>
      new NetworkMisfit({ network: config.name, detail: error instanceof Error ? error.message : String(error) })
  })
  return network
})
