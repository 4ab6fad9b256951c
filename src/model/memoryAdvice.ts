/** What to try where a batch of `size` images did not fit the engine's memory; undefined where nothing was computed. */
export const memoryAdvice = (size: number | undefined): string => {
  if (size === undefined) return "the network is too large for it"
  if (size === 1) return "not even one image fits: make the images smaller"
  return `try a batch size of ${Math.floor(size / 2)} instead of ${size}`
}
