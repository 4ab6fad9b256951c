/** What a task takes of a window. */
export const windowFields = [
  "images",
  "height",
  "width",
  "channels",
  "outHeight",
  "outWidth",
  "kernelHeight",
  "kernelWidth",
  "stride",
  "top",
  "left"
] as const

/** A window as a task takes it. */
export type WindowArguments = Readonly<Record<(typeof windowFields)[number], number>>

/** The pixels of a window that lie in the image, along one axis. */
export const inside = (start: number, size: number, length: number) => {
  const from = Math.max(0, start)
  return { from, count: Math.min(length, start + size) - from }
}
