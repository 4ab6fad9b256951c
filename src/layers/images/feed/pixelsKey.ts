import { usualKernel } from "../../../pipeline/resizeKernel.ts"
import type { ImageConfig } from "../../../pipeline/ImageConfig.ts"

/** What an image's pixels depend on, beside its file. */
export const pixelsKey = ({ background, fit, height, kernel, maxPixels, width }: ImageConfig): string =>
  JSON.stringify([
    background,
    fit,
    height,
    maxPixels,
    width,
    // What was kept before there was a choice is used as before.
    ...(kernel === undefined || kernel === usualKernel ? [] : [kernel])
  ])
