import { relative } from "node:path"
import { fileURLToPath } from "node:url"

/** A configuration that comes with Weft, as this process names it: from the working folder where that is above it. */
export const ownConfig = (name: string): string => {
  const path = fileURLToPath(new URL(`../../configs/${name}`, import.meta.url))
  const here = relative(process.cwd(), path)
  return here.startsWith("..") ? path : here
}
