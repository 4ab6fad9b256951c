/** A function of two arrays of one length, value by value. */
export const elementwise = (
  a: Float32Array,
  b: Float32Array,
  of: (a: number, b: number) => number
): Float32Array<ArrayBuffer> => a.map((value, i) => of(value, b[i]!))
