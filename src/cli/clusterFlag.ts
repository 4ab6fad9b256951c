import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import type { Redacted } from "effect"
import type { ClusterUrl } from "../layers/database/ClusterUrl.ts"
import { clusterUrl } from "../layers/database/ClusterUrl.ts"

/** `--cluster URL`, or the environment's WEFT_CLUSTER; never printed. */
export const cluster = Flag.Redacted("cluster").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription(
    "A PostgreSQL that workers share, postgres://USER:PASSWORD@HOST/DATABASE; WEFT_CLUSTER where left out, which no list of processes shows"
  ),
  Flag.withFallbackConfig(Config.Redacted("WEFT_CLUSTER")),
  Flag.optional
)

/** Whether the command line names the cluster, and not the environment. */
export const isClusterFlag = () => process.argv.some((argument) => argument.startsWith("--cluster"))

/**
 * The cluster that the command line or the environment names, checked; none where neither does.
 *
 * A URL on the command line is taken out of the list of processes, as far as the system lets us.
 */
export const chosenCluster = Effect.fnUntraced(function* (flag: Option.Option<Redacted.Redacted>) {
  if (Option.isNone(flag)) return Option.none<ClusterUrl>()
  const isFlag = isClusterFlag()
  if (isFlag) process.title = "weft"
  return Option.some(yield* clusterUrl(flag.value, isFlag ? "--cluster" : "WEFT_CLUSTER"))
})
