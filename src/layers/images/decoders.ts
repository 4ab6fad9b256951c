import manifest from "../../../package.json" with { type: "json" }

/** What decodes images, with the versions: other ones may give other pixels. */
export const decoders = `${manifest.version} ${manifest.dependencies.sharp} ${manifest.dependencies["@cwasm/jpeg-turbo"]}`
