import { Schema } from "effect"

/** How images are brought to another size, as sharp names it. */
export const ResizeKernel = Schema.Literals(["cubic", "linear", "lanczos3", "nearest"])
export type ResizeKernel = typeof ResizeKernel.Type

/** The kernel of a configuration that states none, and of all runs before there was a choice. */
export const usualKernel: ResizeKernel = "cubic"

/** The kernels' names in exports, which are timm's, Pillow's and torchvision's. */
export const kernelNames = {
  cubic: "bicubic",
  linear: "bilinear",
  lanczos3: "lanczos",
  nearest: "nearest"
} as const satisfies Readonly<Record<ResizeKernel, string>>

/** The kernel of such a name; undefined for names of others. */
export const kernelNamed = (name: unknown): ResizeKernel | undefined =>
  ResizeKernel.literals.find((kernel) => kernelNames[kernel] === name)
