import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"

/** The folder of what can be computed again: WEFT_CACHE, else XDG_CACHE_HOME/weft, else ~/.cache/weft. */
export const cacheFolder = (environment: NodeJS.ProcessEnv = process.env): string => {
  const { WEFT_CACHE, XDG_CACHE_HOME } = environment
  if (WEFT_CACHE !== undefined && WEFT_CACHE !== "") return WEFT_CACHE
  // The XDG specification: a relative path is to be ignored.
  const base = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache")
  return join(base, "weft")
}
