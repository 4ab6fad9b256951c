import { halves } from "../float16.ts"
import { featuresKey } from "./backbone.ts"
import { elementTypes } from "./OnnxGraph.ts"
import type { RewriteConstant, RewriteNode } from "./OnnxRewrite.ts"
import { float32Values, isWeighted, newConstant, newNode, readRewrite, withGraph } from "./OnnxRewrite.ts"

/**
 * Operators that go on in half precision where their input is. Those that add up many numbers or take exponentials (Softmax,
 * Sigmoid, ReduceMean, GlobalAveragePool, …) stay in float32, and so do all that are not named.
 */
const followers = new Set(
  "Add,Clip,Concat,Flatten,Identity,MaxPool,Mul,Relu,Reshape,Slice,Squeeze,Sub,Transpose,Unsqueeze".split(",")
)

/** Of these operators only the first input has the type of the result. */
const onlyFirst = new Set("Reshape,Slice,Squeeze,Unsqueeze".split(","))

const suffix = "~half"

/**
 * A finished ONNX file in half precision (its bytes): the weights of weighted sums and what is computed from them on, until
 * an operator wants float32. Inputs and outputs of the graph stay float32, by Casts at its ends.
 *
 * Values in float32 keep their names. A constant that half precision cannot hold (beyond 65,504) stays, with its operator.
 */
export const halfPrecision = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const file = readRewrite(bytes)
  const isFloat = float32Values(file)
  const constants = new Map<string, RewriteConstant>(file.constants)
  const nodes: Array<RewriteNode> = []
  /** Values that are there in half precision, and in float32. */
  const half = new Set<string>()
  const full = new Set(file.inputs.map(({ name }) => name))

  const cast = (from: string, to: string, type: keyof typeof elementTypes) =>
    nodes.push(newNode("Cast", [from], to, { to: elementTypes[type] }))

  const constantFits = (name: string): boolean => {
    if (constants.has(name + suffix)) return true
    const constant = file.constants.get(name)
    const numbers = constant?.numbers()
    const found = numbers && halves(numbers)
    if (constant === undefined || found === undefined) return false
    constants.set(name + suffix, newConstant(constant.shape, "float16", found))
    return true
  }

  const inHalf = (name: string): string => {
    if (!constants.has(name + suffix) && !half.has(name)) {
      cast(name, name + suffix, "float16")
      half.add(name)
    }
    return name + suffix
  }

  const inFull = (name: string) => {
    if (!half.has(name) || full.has(name)) return
    cast(name + suffix, name, "float32")
    full.add(name)
  }

  const isHalf = (node: RewriteNode): boolean => {
    const { inputs, operator, outputs } = node
    const [first = ""] = inputs
    const starts = isWeighted(node) && file.constants.has(inputs[1] ?? "")
    if (outputs.length !== 1 || !(starts || (followers.has(operator) && inputs.some((name) => half.has(name)))))
      return false
    const typed = (onlyFirst.has(operator) ? [first] : inputs).filter((name) => name !== "")
    return typed.every((name) => isFloat.has(name)) && typed.every((name) => !constants.has(name) || constantFits(name))
  }

  for (const node of file.nodes) {
    const [output = ""] = node.outputs
    if (isHalf(node)) {
      const inputs = node.inputs.map((name, i) =>
        name === "" || (i > 0 && onlyFirst.has(node.operator)) ? name : inHalf(name)
      )
      nodes.push({ ...node, inputs, needs: inputs, outputs: [output + suffix] })
      half.add(output)
      continue
    }
    for (const name of node.needs) inFull(name)
    nodes.push(node)
    for (const name of node.outputs) full.add(name)
  }
  for (const { name } of file.outputs) inFull(name)
  // It keeps its name, by which another run finds it as the output of a frozen backbone.
  inFull(file.metadata[featuresKey] ?? "")
  return withGraph(bytes, { nodes, constants })
}
