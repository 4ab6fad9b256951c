/** An array of numbers with a shape, outside any engine. Row-major. */
export interface Tensor {
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array
}

/**
 * Tensors by name. Names and layouts are PyTorch's: `conv1.weight` is OIHW (a depthwise one C1HW), `fc1.weight` is
 * OUT x IN, a batch norm has `weight`, `bias`, `running_mean` and `running_var`.
 */
export type Weights = ReadonlyMap<string, Tensor>

/** Number of elements of a shape. */
export const sizeOf = (shape: ReadonlyArray<number>): number => shape.reduce((product, n) => product * n, 1)

/** A map's entry for the tensor of a name that the caller has checked to be there; throws where it is not. */
export const named = <T>(map: ReadonlyMap<string, T>, name: string): T => {
  const found = map.get(name)
  if (found === undefined) throw new Error(`no tensor ${JSON.stringify(name)} among ${map.size} names`)
  return found
}
