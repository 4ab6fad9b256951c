import type * as tf from "@tensorflow/tfjs-core"
import type { Attributes } from "./window.ts"

/** The tensors that TensorFlow.js calls a kernel with. */
export type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>

const has = <Name extends string>(
  inputs: Inputs,
  names: ReadonlyArray<Name>
): inputs is Inputs & Readonly<Record<Name, tf.TensorInfo>> => names.every((name) => inputs[name] != null)

/** A kernel with the inputs that it cannot do without; others may be absent. */
export const kernelOf =
  <Name extends string, Rest extends ReadonlyArray<unknown>, A>(
    names: ReadonlyArray<Name>,
    run: (inputs: Inputs & Readonly<Record<Name, tf.TensorInfo>>, attributes: Attributes, ...rest: Rest) => A
  ) =>
  (inputs: Inputs, attributes: Attributes, ...rest: Rest): A => {
    if (has(inputs, names)) return run(inputs, attributes, ...rest)
    throw new Error(`a kernel needs ${names.join(", ")}, and was called with ${Object.keys(inputs).join(", ")}`)
  }
