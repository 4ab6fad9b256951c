import { Schema } from "effect"
import { ResizeKernel } from "./resizeKernel.ts"
import { between, intBetween, optionalSetting, setting } from "../config/Setting.ts"

const Triple = <S extends Schema.Top>(schema: S) => Schema.Tuple([schema, schema, schema])

/** How a file becomes pixels of one size, and pixels become numbers. */
export const ImageConfig = Schema.Struct({
  height: setting(intBetween(8, 2048), 224, "Height that every image is brought to, in pixels"),
  width: setting(intBetween(8, 2048), 224, "Width, in pixels"),
  fit: setting(
    Schema.Literals(["fill", "cover", "contain"]),
    "fill",
    "`fill` stretches, `cover` crops, `contain` pads with the background"
  ),
  kernel: optionalSetting(
    ResizeKernel,
    "How images are resized, antialiased where they become smaller: `cubic`, `linear`, `lanczos3` (which enlarges as `cubic`) or `nearest`. Where left out, as the weights' file or their hub states, else `cubic`"
  ),
  background: setting(Triple(intBetween(0, 255)), [255, 255, 255], "Colour behind transparency, padding and rotation"),
  maxPixels: setting(intBetween(1, 1e9), 50_000_000, "A file with more pixels than this is refused"),
  maxBytes: optionalSetting(
    intBetween(1, 2 ** 31 - 2),
    "A file with more bytes than this is refused; 268435456 (256 MiB) where left out"
  ),
  mean: optionalSetting(
    Triple(between(0, 1)),
    "Subtracted from each channel, after scaling to 0..1. Where left out, as the weights' file or their hub states, else 0.5"
  ),
  std: optionalSetting(
    Triple(between(1e-3, 10)),
    "Then each channel is divided by this. Where left out, as the weights' file or their hub states, else 0.5"
  )
})
export type ImageConfig = typeof ImageConfig.Type

/** The most bytes that a file may have. */
export const mostBytes = ({ maxBytes }: ImageConfig): number => maxBytes ?? 2 ** 28
