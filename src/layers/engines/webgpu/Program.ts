import type { WebGPUBackend, WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"

/** A number for a program: a whole one (i32), or any (f32). */
type Argument = { readonly i32: number } | { readonly f32: number }

/** A program in WGSL as we write them: inputs are arrays of f32 by their names, `result` is the output. */
interface Source<Name extends string> {
  /** Of the code: two programs of one name must have the same. */
  readonly name: string
  readonly inputs: ReadonlyArray<string>
  readonly arguments: ReadonlyArray<Name>
  readonly threads: number
  /** Memory of a workgroup. */
  readonly shared?: string
  readonly code: string
}

/** As many workgroups as WebGPU lets any device have along one axis. */
const mostGroups = 65535

/** One run of a program: how many workgroups (x, y, z), or how many threads at least. */
export interface Run<Name extends string> {
  readonly inputs: ReadonlyArray<tf.TensorInfo>
  readonly arguments: Readonly<Record<Name, Argument>>
  readonly shape: ReadonlyArray<number>
  readonly groups: readonly [number, number, number]
}

/** For as many threads as there are values: `index` is a thread's own, and may lie behind the last. */
export const groupsFor = (values: number, threads: number): readonly [number, number, number] => {
  const groups = Math.ceil(values / threads)
  const x = Math.min(groups, mostGroups)
  return [x, Math.ceil(groups / x), 1]
}

/**
 * Makes a program to be run on a backend. In the code, `uniforms.NAME` is an argument, `group` the workgroup (x, y, z),
 * `thread` the place in it, and `index` counts the threads of `groupsFor`. The code must write every value of `result`,
 * which is a new tensor, or the one given.
 */
export const program = <Name extends string>(source: Source<Name>) => {
  return (backend: WebGPUBackend, run: Run<Name>, into?: tf.TensorInfo): tf.TensorInfo => {
    const shape = [...run.shape]
    const given = source.arguments.map((name) => {
      const value = run.arguments[name]
      return "i32" in value
        ? { text: `${name} : i32, `, uniform: { type: "int32", data: [value.i32] } }
        : { text: `${name} : f32, `, uniform: { type: "float32", data: [value.f32] } }
    })
    const description: WebGPUProgram = {
      shaderKey: `weft ${source.name}`,
      outputShape: shape,
      variableNames: [...source.inputs],
      uniforms: given.map(({ text }) => text).join(""),
      workgroupSize: [source.threads, 1, 1],
      dispatch: [...run.groups],
      // Says to TensorFlow.js that the code finds its own way.
      dispatchLayout: { x: [], y: [0], z: [] },
      getUserCode: () => `
        ${source.shared ?? ""}
        fn main() {
          let group = vec3<i32>(workgroupId);
          let thread = i32(localIndex);
          let index = (group.y * i32(numWorkgroups.x) + group.x) * ${source.threads} + thread;
          ${source.code}
        }`
    }
    const uniforms = given.map(({ uniform }) => uniform)
    return backend.runWebGPUProgram(description, [...run.inputs], "float32", uniforms, into)
  }
}

/** A program's output as a tensor that TensorFlow.js counts, and frees at the end of its tidy. */
export const tensorOf = ({ dataId, dtype, shape }: tf.TensorInfo): tf.Tensor =>
  tf.engine().makeTensorFromTensorInfo({ dataId, dtype, shape })
