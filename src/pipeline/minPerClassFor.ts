/** Values of `data.minPerClass` that are tried, the usual one first. */
const minima = [50, 20, 10, 5, 3]

/**
 * `data.minPerClass` for classes of these sizes: the largest of 50, 20, 10, 5 and 3 with which nine rows of ten stay, in
 * two classes at least; undefined where not even 3 leaves two classes.
 */
export const minPerClassFor = (sizes: ReadonlyArray<number>): number | undefined => {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const kept = (least: number) => sizes.filter((size) => size >= least)
  const fits = (least: number, part: number) =>
    kept(least).length >= 2 && kept(least).reduce((sum, size) => sum + size, 0) >= part * all
  return minima.find((least) => fits(least, 0.9)) ?? minima.findLast((least) => fits(least, 0))
}
