import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/** Where the cache lies and how large it may grow. */
export interface FeatureCacheSettings {
  readonly folder: string
  /** Bytes of all segments together; each process that writes may go beyond it by one segment, a 64th of this. */
  readonly bytes: number
}

/** Under WEFT_CACHE, else XDG_CACHE_HOME/weft, else ~/.cache/weft. */
export const featureFolder = (environment: NodeJS.ProcessEnv = process.env): string => {
  const { WEFT_CACHE, XDG_CACHE_HOME } = environment
  if (WEFT_CACHE !== undefined && WEFT_CACHE !== "") return join(WEFT_CACHE, "features")
  // The XDG specification: a relative path is to be ignored.
  const base = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache")
  return join(base, "weft", "features")
}

/** Ten gigabytes: two million feature rows of MobileNetV2. */
const defaultBytes = 10e9

/** How large the cache may grow, in bytes: WEFT_FEATURES_MIB, in MiB, else 10 GB. It is the machine's, not a run's. */
export const featureBytes = (environment: NodeJS.ProcessEnv = process.env): number => {
  const mebibytes = Number(environment["WEFT_FEATURES_MIB"])
  return mebibytes >= 1 ? mebibytes * 2 ** 20 : defaultBytes
}
