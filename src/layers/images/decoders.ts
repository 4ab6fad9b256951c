import { manifest } from "../machine/manifest.ts"

/** What decodes images, with the versions: other ones may give other pixels. */
export const decoders = `${manifest.version} ${manifest.dependencies.sharp} ${manifest.dependencies["@cwasm/jpeg-turbo"]}`
