import type * as tf from "@tensorflow/tfjs-core"
import type { Input, Runner } from "./Runner.ts"

/** The name of variables that nobody else can name: they go with their last handle. Source: TensorFlow's ResourceHandle. */
const anonymous = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"

/** TensorFlow's variables of tensors that change in place: its single operations for optimisers work on these alone. */
export class Variables {
  readonly #run: Runner
  readonly #handles = new Map<object, number>()

  constructor(run: Runner) {
    this.#run = run
  }

  /** Lets an operation change tensors in place, a weight and its slots, which are its first inputs. */
  change(
    weight: tf.Tensor,
    slots: ReadonlyArray<tf.Tensor>,
    change: (handle: Input, slots: ReadonlyArray<Input>) => void
  ): void {
    const run = this.#run
    const held = (tensor: tf.Tensor) => ({
      handle: this.#handleOf(tensor),
      place: run.backend.tensorMap.get(tensor.dataId)
    })
    const first = held(weight)
    const others = slots.map(held)
    // The variable is to be the numbers' only holder: it would copy them first.
    for (const { place } of [first, ...others]) run.free(place.id)
    try {
      change(
        first.handle,
        others.map(({ handle }) => handle)
      )
    } finally {
      for (const { handle, place } of [first, ...others]) {
        const [{ id }] = run.raw("ReadVariableOp", [run.type("dtype", run.types.float)], [handle], 1)
        place.id = id
      }
    }
  }

  /** Frees the variable of a tensor that is no more. */
  forget(dataId: object): void {
    const handle = this.#handles.get(dataId)
    if (handle === undefined) return
    this.#handles.delete(dataId)
    this.#run.free(handle)
  }

  #handleOf(tensor: tf.Tensor): number {
    const run = this.#run
    const known = this.#handles.get(tensor.dataId)
    if (known !== undefined) return known
    const attributes = [run.type("dtype", run.types.float), run.shape("shape", tensor.shape)]
    const [{ id: handle }] = run.raw("VarHandleOp", [...attributes, run.text("shared_name", anonymous)], [], 1)
    run.raw("AssignVariableOp", attributes.slice(0, 1), [handle, tensor], 0)
    this.#handles.set(tensor.dataId, handle)
    return handle
  }
}
