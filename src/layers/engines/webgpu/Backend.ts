import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import type { Faults } from "./Faults.ts"

/** What we use of TensorFlow.js's pool of buffers: those that wait for a tensor, by size and use. */
interface Pool {
  readonly freeBuffers: ReadonlyMap<string, Array<GPUBuffer>>
  numBytesAllocated: number
  numFreeBuffers: number
}

/**
 * Code of TensorFlow.js's programs, and what stands in its place. relu6 makes 6 or 0 of NaN, and sigmoid makes 0 of it on some
 * devices: a run that diverges would look healthy. A product of matrices reads past the end of the second one, times 0: a
 * NaN of one image would reach another.
 */
const corrections = [
  ["value = getB(batch, row, col);", "if (row < uniforms.dimInner) { value = getB(batch, row, col); }"],
  ["value = getB(batch, col, row);", "if (row < uniforms.dimInner) { value = getB(batch, col, row); }"],
  [
    "return 1.0 / (1.0 + exp(-1.0 * a));",
    "let y = 1.0 / (1.0 + exp(-1.0 * a)); return select(select(a, y, a <= 0.0), y, a > 0.0);"
  ],
  ["return clamp(a, 0.0, 6.0);", "return select(select(a, 0.0, a < 0.0), 6.0, a > 6.0);"],
  [
    "return clamp(a, vec4<f32>(0.0, 0.0, 0.0, 0.0), vec4<f32>(6.0, 6.0, 6.0, 6.0));",
    "return select(select(a, vec4<f32>(0.0), a < vec4<f32>(0.0)), vec4<f32>(6.0), a > vec4<f32>(6.0));"
  ]
] as const

/** TensorFlow.js's backend, which throws what goes wrong on its device, and keeps NaN. */
export class Backend extends WebGPUBackend {
  readonly #faults: Faults
  #closed = false

  constructor(device: GPUDevice, info: GPUAdapterInfo, faults: Faults) {
    super(device, info)
    this.#faults = faults
    faults.guardBuffers(() => this.#emptyPool())
  }

  override runWebGPUProgram(...args: Parameters<WebGPUBackend["runWebGPUProgram"]>) {
    const [program] = args
    const code = program.getUserCode.bind(program)
    program.getUserCode = () => corrections.reduce((code, [theirs, ours]) => code.replace(theirs, ours), code())
    const output = super.runWebGPUProgram(...args)
    this.#faults.check()
    return output
  }

  override async read(dataId: object) {
    this.#faults.check()
    try {
      const values = await super.read(dataId)
      this.#faults.check()
      return values
    } catch (cause) {
      throw await this.#faults.explain(cause)
    }
  }

  /** A tensor may outlive the backend, whose buffers are all gone then. */
  override disposeData(dataId: object, force?: boolean): boolean {
    return this.#closed || super.disposeData(dataId, force)
  }

  override dispose(): void {
    this.#closed = true
    super.dispose()
  }

  /** Gives back the buffers that no tensor has: those of another batch size, say. */
  #emptyPool(): void {
    const pool = this.bufferManager as unknown as Pool // private for TypeScript only
    for (const buffers of pool.freeBuffers.values())
      for (const buffer of buffers.splice(0)) {
        pool.numBytesAllocated -= buffer.size
        pool.numFreeBuffers--
        buffer.destroy()
      }
  }
}
