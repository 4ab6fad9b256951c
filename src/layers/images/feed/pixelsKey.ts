import type { ImageConfig } from "../../../pipeline/ImageConfig.ts"

/** What an image's pixels depend on, beside its file. */
export const pixelsKey = ({ background, fit, height, maxPixels, width }: ImageConfig): string =>
  JSON.stringify([background, fit, height, maxPixels, width])
