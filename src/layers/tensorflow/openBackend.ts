import * as tf from "@tensorflow/tfjs-core"
import { createRequire } from "node:module"
import { join } from "node:path"
import { names } from "./BackendFolder.ts"
import type { Binding, PackageBackend, PackageBackendClass } from "./Binding.ts"
import { kernelsName } from "./kernelsName.ts"
import { defineRemovedFunctions } from "./removedFunctions.ts"
import { Runner } from "./Runner.ts"
import { Variables } from "./Variables.ts"

/** The name under which TensorFlow.js knows the backend. */
export const backendName = "tensorflow"

const packageName = "@tensorflow/tfjs-node-gpu"

/** TensorFlow as TensorFlow.js's backend, with the means to call its single operations. */
export interface OpenBackend {
  readonly backend: PackageBackend
  readonly run: Runner
  readonly variables: Variables
}

/**
 * What TensorFlow looks for in the environment while it is loaded; what is set there already, stays.
 *
 * Its kernels for Intel's and AMD's processors (oneDNN) are off by default where a processor lacks the newest
 * instructions, though they are twice as fast on older ones too; they also keep large tensors' memory for the next. Its
 * max pooling on a GPU loses NaN unless it is told not to.
 */
const settings = (config: string, debug: boolean): Readonly<Record<string, string>> => ({
  TF_CPP_MIN_LOG_LEVEL: debug ? "0" : "3",
  TF_ENABLE_ONEDNN_OPTS: "1",
  TF_ENABLE_MAXPOOL_NANPROP: "1",
  WEFT_TENSORFLOW_CONFIG: config
})

/**
 * Loads the addon and the package's kernels from an installed backend's folder, and registers the backend.
 *
 * The package's own entry is passed by: it looks for the addon in its own folder, which a reinstall empties.
 */
export const openBackend = (folder: string, config: string, debug: boolean): OpenBackend => {
  for (const [name, value] of Object.entries(settings(config, debug))) process.env[name] ??= value
  defineRemovedFunctions()
  const require = createRequire(import.meta.url)
  require(join(folder, names.quiet))
  const binding = require(join(folder, names.addon)) as Binding // compiled from the package's own sources
  require(join(folder, kernelsName()))
  require(`${packageName}/dist/register_all_kernels`)
  const { NodeJSKernelBackend } = require(`${packageName}/dist/nodejs_kernel_backend`) as {
    readonly NodeJSKernelBackend: PackageBackendClass
  }
  const backend: PackageBackend = new NodeJSKernelBackend(binding, packageName)
  const run = new Runner(backend)
  const variables = new Variables(run)
  const disposeData = backend.disposeData.bind(backend)
  backend.disposeData = (dataId, force) => {
    const gone = disposeData(dataId, force)
    if (gone) variables.forget(dataId)
    return gone
  }
  tf.registerBackend(backendName, () => backend, 3)
  return { backend, run, variables }
}
