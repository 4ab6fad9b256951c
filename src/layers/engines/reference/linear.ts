/** `output[at + o] = bias[o] + Σ_k weight[o, k] input[k]`: one row through a linear map. */
export const linear = (
  weight: Float32Array,
  bias: Float32Array | undefined,
  input: Float64Array,
  output: Float32Array,
  at: number,
  outputs: number
): void => {
  const inputs = input.length
  let o = 0
  // Four sums at a time: one would wait for its own last addition.
  for (; o + 4 <= outputs; o += 4) {
    const row = o * inputs
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let k = 0; k < inputs; k++) {
      const x = input[k]!
      a += weight[row + k]! * x
      b += weight[row + inputs + k]! * x
      c += weight[row + 2 * inputs + k]! * x
      d += weight[row + 3 * inputs + k]! * x
    }
    output[at + o] = a + (bias?.[o] ?? 0)
    output[at + o + 1] = b + (bias?.[o + 1] ?? 0)
    output[at + o + 2] = c + (bias?.[o + 2] ?? 0)
    output[at + o + 3] = d + (bias?.[o + 3] ?? 0)
  }
  for (; o < outputs; o++) {
    let sum = bias?.[o] ?? 0
    for (let k = 0; k < inputs; k++) sum += weight[o * inputs + k]! * input[k]!
    output[at + o] = sum
  }
}

/** Gradients of a linear map, summed over rows in float64. */
export interface LinearGradients {
  readonly weight: Float64Array
  readonly bias: Float64Array
}

/** The backward pass of one row: adds to `sums`, and gives the input's gradient in `inputGradient`. */
export const linearBackward = (
  weight: Float32Array,
  input: Float64Array,
  gradient: Float32Array,
  at: number,
  sums: LinearGradients,
  inputGradient: Float64Array
): void => {
  const inputs = input.length
  inputGradient.fill(0)
  for (let o = 0; o < sums.bias.length; o++) {
    const g = gradient[at + o]!
    if (g === 0) continue // behind a pooling and an activation most gradients are 0
    sums.bias[o]! += g
    const row = o * inputs
    for (let k = 0; k < inputs; k++) {
      sums.weight[row + k]! += g * input[k]!
      inputGradient[k]! += g * weight[row + k]!
    }
  }
}

/** Rows through a linear map to `outputs` values each, and their backward pass. */
export const linearRows = (
  weight: Float32Array,
  bias: Float32Array | undefined,
  data: Float32Array,
  outputs: number
) => {
  const inputs = weight.length / outputs
  const rows = data.length / inputs
  const row = new Float64Array(inputs)
  const take = (n: number) => row.set(data.subarray(n * inputs, (n + 1) * inputs))
  const output = new Float32Array(rows * outputs)
  for (let n = 0; n < rows; n++) {
    take(n)
    linear(weight, bias, row, output, n * outputs, outputs)
  }
  return {
    output,
    backward: (gradient: Float32Array) => {
      const sums = { weight: new Float64Array(weight.length), bias: new Float64Array(outputs) }
      const rowGradient = new Float64Array(inputs)
      const inputGradient = new Float32Array(data.length)
      for (let n = 0; n < rows; n++) {
        take(n)
        linearBackward(weight, row, gradient, n * outputs, sums, rowGradient)
        inputGradient.set(rowGradient, n * inputs)
      }
      return {
        input: inputGradient,
        weight: new Float32Array(sums.weight),
        bias: new Float32Array(sums.bias)
      }
    }
  }
}
