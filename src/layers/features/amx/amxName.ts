import { join } from "node:path"
import { addonName } from "../../backend/addonName.ts"

/** The folder with the addon's sources. */
export const amxSources = join(import.meta.dirname, "native")

/** The name of the addon that applies networks by the processor's matrix unit, in an installed backend's folder. */
export const amxName = (): string => addonName("amx", amxSources)
