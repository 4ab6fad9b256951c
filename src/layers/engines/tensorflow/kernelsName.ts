import { join } from "node:path"
import { addonName } from "../../backend/addonName.ts"

/** The folder with the sources of what is compiled when the backend is installed. */
export const nativeSources = join(import.meta.dirname, "native")

/** The name of the addon with Weft's own operations, in an installed backend's folder. */
export const kernelsName = (): string => addonName("kernels", nativeSources)
