/**
 * The element at an index that was computed, and must be there. Throws a RangeError where it is not, also for NaN: no
 * wrong index goes unnoticed as an `undefined` in arithmetic.
 */
export const elementAt = <A extends NonNullable<unknown> | null>(list: ArrayLike<A>, index: number): A => {
  const element = list[index]
  if (element === undefined) throw new RangeError(`there is no element ${index} among ${list.length}`)
  return element
}
