/** Types of elements, by TensorFlow's names. */
export type ElementType = "DT_FLOAT" | "DT_INT32" | "DT_UINT8" | "DT_STRING"

/** Constant numbers or texts. */
export interface Constant {
  readonly shape: ReadonlyArray<number>
  readonly data: Float32Array | Int32Array | ReadonlyArray<string>
}

/** An attribute of an operation: one of these, as TensorFlow's `AttrValue` is. */
export type Attribute =
  | { readonly type: ElementType }
  | { readonly text: string }
  | { readonly flag: boolean }
  /** A whole number. */
  | { readonly number: number }
  | { readonly numbers: ReadonlyArray<number> }
  /** -1 stands for a size that is known when the graph runs. */
  | { readonly shape: ReadonlyArray<number> }
  | { readonly constant: Constant }

/** One operation with one result, which has its name. */
export interface Node {
  readonly name: string
  readonly op: string
  readonly input: ReadonlyArray<string>
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** The type of a constant's elements. */
export const typeOf = ({ data }: Constant): ElementType =>
  data instanceof Float32Array ? "DT_FLOAT" : data instanceof Int32Array ? "DT_INT32" : "DT_STRING"

/**
 * A graph of TensorFlow's operations, built node by node, for TensorFlow or TensorFlow.js.
 *
 * Source: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/node_def.proto
 */
export class TensorflowGraph {
  readonly #nodes: Array<Node> = []
  readonly #names = new Set<string>()

  /** In the order in which they run. */
  get nodes(): ReadonlyArray<Node> {
    return this.#nodes
  }

  /** An input of the graph. */
  placeholder(name: string, type: ElementType, shape: ReadonlyArray<number>): string {
    return this.#add(name, "Placeholder", [], { dtype: { type }, shape: { shape } })
  }

  /** Its numbers are those of `data`, which must stay as they are until the graph is written. */
  constant(name: string, shape: ReadonlyArray<number>, data: Constant["data"]): string {
    const constant = { shape, data }
    return this.#add(name, "Const", [], { dtype: { type: typeOf(constant) }, value: { constant } })
  }

  /** Whole numbers in a row. */
  indices(name: string, numbers: ReadonlyArray<number>): string {
    return this.constant(name, [numbers.length], Int32Array.from(numbers))
  }

  /** An operation on float32; the types of its other inputs are 32-bit whole numbers, which is their default. */
  node(
    op: string,
    name: string,
    input: ReadonlyArray<string>,
    attributes: Readonly<Record<string, Attribute>> = {}
  ): string {
    return this.#add(`${name}/${op}`, op, input, { T: { type: "DT_FLOAT" }, ...attributes })
  }

  /** An output of the graph, under its name. */
  output(value: string, name: string, type: ElementType = "DT_FLOAT"): string {
    return this.#add(name, "Identity", [value], { T: { type } })
  }

  /** Whole numbers or bytes as float32. */
  cast(value: string, from: ElementType): string {
    const types = { SrcT: { type: from }, DstT: { type: "DT_FLOAT" } } as const
    return this.#add(`${value}/Cast`, "Cast", [value], types)
  }

  #add(name: string, op: string, input: ReadonlyArray<string>, attributes: Readonly<Record<string, Attribute>>) {
    let own = name
    for (let i = 2; this.#names.has(own); i++) own = `${name}_${i}`
    this.#names.add(own)
    this.#nodes.push({ name: own, op, input, attributes })
    return own
  }
}
