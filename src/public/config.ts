/** A run's and a search's configuration: every number with its bounds, and what is wrong with one in words. */
export { configKeys } from "../config/configKeys.ts"
export { ConfigError, decodeRunConfig, RunConfig } from "../config/RunConfig.ts"
export { SearchConfig } from "../run/search/SearchConfig.ts"
