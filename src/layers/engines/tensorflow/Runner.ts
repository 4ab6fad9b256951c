import * as tf from "@tensorflow/tfjs-core"
import type { Attribute, Binding, Made, PackageBackend, Several } from "./Binding.ts"

/** What goes into an operation: a tensor, or the addon's number of one that TensorFlow.js knows nothing of. */
export type Input = tf.TensorInfo | number

/** Calls single operations of TensorFlow, by TensorFlow's own names, and keeps their constants. */
export class Runner {
  readonly backend: PackageBackend
  readonly #binding: Binding
  /** Numbers of constant tensors, by their values. */
  readonly #constants = new Map<string, number>()
  readonly #type: Attribute

  constructor(backend: PackageBackend) {
    this.backend = backend
    this.#binding = backend.binding
    this.#type = this.type("T", this.#binding.TF_FLOAT)
  }

  get version(): string {
    return this.#binding.TF_Version
  }

  get usesGpu(): boolean {
    return this.#binding.isUsingGpuDevice()
  }

  type(name: string, value: number): Attribute {
    return { name, type: this.#binding.TF_ATTR_TYPE, value }
  }

  /** The attribute `T`: of numbers. */
  get float(): Attribute {
    return this.#type
  }

  int(name: string, value: number | ReadonlyArray<number>): Attribute {
    return { name, type: this.#binding.TF_ATTR_INT, value }
  }

  number(name: string, value: number): Attribute {
    return { name, type: this.#binding.TF_ATTR_FLOAT, value }
  }

  text(name: string, value: string): Attribute {
    return { name, type: this.#binding.TF_ATTR_STRING, value }
  }

  bool(name: string, value: boolean): Attribute {
    return { name, type: this.#binding.TF_ATTR_BOOL, value }
  }

  shape(name: string, value: ReadonlyArray<number>): Attribute {
    return { name, type: this.#binding.TF_ATTR_SHAPE, value }
  }

  get types() {
    const { TF_BOOL: bool, TF_FLOAT: float, TF_INT32: int, TF_RESOURCE: resource } = this.#binding
    return { bool, float, int, resource }
  }

  /** A constant list of whole numbers; the same for the same values, kept for good. */
  ints(...values: ReadonlyArray<number>): number {
    return this.#constant(`${values}`, [values.length], this.#binding.TF_INT32, () => Int32Array.from(values))
  }

  /** A constant list of pairs, as a matrix. */
  pairs(...values: ReadonlyArray<number>): number {
    const shape = [values.length / 2, 2]
    return this.#constant(`pairs ${values}`, shape, this.#binding.TF_INT32, () => Int32Array.from(values))
  }

  /** A constant whole number, kept for good. */
  scalarInt(value: number): number {
    return this.#constant(`int ${value}`, [], this.#binding.TF_INT32, () => Int32Array.of(value))
  }

  /** No numbers at all. */
  get nothing(): number {
    return this.#constant("nothing", [0], this.#binding.TF_FLOAT, () => new Float32Array(0))
  }

  /** The same numbers in another shape; nothing is copied. */
  reshape(x: tf.Tensor, shape: ReadonlyArray<number>): tf.Tensor {
    return this.one("Reshape", [this.float, this.type("Tshape", this.types.int)], x, this.ints(...shape))
  }

  /** Runs an operation that gives one tensor of numbers. */
  one(name: string, attributes: ReadonlyArray<Attribute>, ...inputs: ReadonlyArray<Input>): tf.Tensor {
    const [output] = this.many(name, attributes, inputs, 1)
    return output
  }

  /** Runs an operation; its outputs belong to TensorFlow.js, and to the `tf.tidy` around. */
  many<Count extends number>(
    name: string,
    attributes: ReadonlyArray<Attribute>,
    inputs: ReadonlyArray<Input>,
    outputs: Count
  ): Several<tf.Tensor, Count> {
    const made: ReadonlyArray<Made> = this.raw(name, attributes, inputs, outputs)
    // `map` keeps the length, and its type forgets it.
    return made.map((one) => this.#tensorOf(one)) as ReadonlyArray<tf.Tensor> as Several<tf.Tensor, Count>
  }

  /** Runs an operation; its outputs are the caller's to free. */
  raw<Count extends number>(
    name: string,
    attributes: ReadonlyArray<Attribute>,
    inputs: ReadonlyArray<Input>,
    outputs: Count
  ): Several<Made, Count> {
    const ids = inputs.map((input) => {
      if (typeof input === "number") return input
      const [id] = this.backend.getInputTensorIds([input])
      return id
    })
    return this.#binding.executeOp(name, attributes, ids, outputs)
  }

  free(id: number): void {
    this.#binding.deleteTensor(id)
  }

  #tensorOf({ dtype, id, shape }: Made): tf.Tensor {
    const dataId = {}
    this.backend.tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 })
    const type = dtype === this.#binding.TF_FLOAT ? "float32" : dtype === this.#binding.TF_INT32 ? "int32" : "bool"
    return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: type })
  }

  #constant(key: string, shape: ReadonlyArray<number>, dtype: number, values: () => Float32Array | Int32Array): number {
    const known = this.#constants.get(key)
    if (known !== undefined) return known
    const id = this.#binding.createTensor(shape, dtype, values())
    this.#constants.set(key, id)
    return id
  }
}
