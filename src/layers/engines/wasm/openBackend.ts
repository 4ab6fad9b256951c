import * as tf from "@tensorflow/tfjs-core"
import { BackendWasm, setThreadsCount } from "@tensorflow/tfjs-backend-wasm"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

/** What we use of TensorFlow.js's compiled module. */
interface CompiledModule {
  readonly wasmMemory: WebAssembly.Memory
  readonly cwrap: (name: string, result: string | null, parameters: ReadonlyArray<string>) => unknown
  _malloc: (bytes: number) => number
  readonly _free: (address: number) => void
  tfjs: Record<string, unknown>
}

type Factory = (options: Record<string, unknown>) => Promise<CompiledModule>

/** The name under which TensorFlow.js knows the backend. */
export const backendName = "wasm"

/** A memory that is full: thrown instead of the address 0 that malloc gives, to which TensorFlow.js would write. */
export class OutOfMemory extends Error {
  constructor(bytes: number) {
    super(`no ${Math.ceil(bytes / 2 ** 20)} MiB left in WebAssembly's memory (4 GiB at most)`)
  }
}

/** Stands for the module's own threads, of which we let it have none: ours run on its memory instead. */
class NoWorker {
  onmessage: ((event: { readonly data: unknown }) => void) | undefined
  postMessage(message: { readonly cmd: string }): void {
    if (message.cmd === "load") this.onmessage?.({ data: { cmd: "loaded" } })
  }
  on(): void {}
  ref(): void {}
  unref(): void {}
  terminate(): void {}
}

/**
 * Starts the module while `Worker` is a stand-in. The factory sets `global.Worker` and makes eight of them before it
 * returns; setting it has no effect here, and afterwards all is as it was. It also listens to the process's last
 * resorts (and throws there what it hears); these listeners are taken away again.
 */
const start = (factory: Factory, folder: string): Promise<CompiledModule> => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "Worker")
  const resorts = ["uncaughtException", "unhandledRejection"].map((event) => ({
    event,
    listeners: new Set(process.listeners(event as "beforeExit")) // Node's types know no common one
  }))
  Object.defineProperty(globalThis, "Worker", { configurable: true, get: () => NoWorker, set: () => {} })
  try {
    return factory({
      locateFile: (file: string) => join(folder, file),
      mainScriptUrlOrBlob: "",
      // The default writes to standard output.
      print: (line: string) => console.error(line)
    })
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "Worker")
    else Object.defineProperty(globalThis, "Worker", before)
    for (const { event, listeners } of resorts)
      for (const listener of process.listeners(event as "beforeExit"))
        if (!listeners.has(listener)) process.removeListener(event, listener)
  }
}

/**
 * Makes TensorFlow.js's wasm backend in a memory that threads can share, which its package does in browsers only.
 *
 * Its own kernels stay on the calling thread. Reads the .wasm file from the package's folder; nothing is fetched.
 */
export const openBackend = async () => {
  const require = createRequire(import.meta.url)
  const folder = dirname(require.resolve("@tensorflow/tfjs-backend-wasm")) // .../dist
  const name = "tfjs-backend-wasm-threaded-simd.js"
  const module = await start(require(join(folder, "..", "wasm-out", name)) as Factory, folder) // the package's own code
  // The first call puts the compiled function in the property's place, and would take ours away again.
  module._free(module._malloc(1))
  const malloc = module._malloc
  module._malloc = (bytes) => {
    // A number of bytes past 32 bits would be cut.
    const address = bytes < 2 ** 32 ? malloc(bytes) >>> 0 : 0
    if (address === 0 && bytes > 0) throw new OutOfMemory(bytes)
    return address
  }
  const number = "number"
  // As in the package's `init`.
  module.tfjs = {
    init: module.cwrap("init", null, []),
    initWithThreadsCount: module.cwrap("init_with_threads_count", null, [number]),
    getThreadsCount: module.cwrap("get_threads_count", number, []),
    registerTensor: module.cwrap("register_tensor", null, [number, number, number]),
    disposeData: module.cwrap("dispose_data", null, [number]),
    dispose: module.cwrap("dispose", null, [])
  }
  setThreadsCount(1)
  // The package's types know a narrower module than its code needs.
  const backend = new BackendWasm(module as unknown as ConstructorParameters<typeof BackendWasm>[0])
  if (tf.findBackendFactory(backendName) !== null) tf.removeBackend(backendName)
  tf.registerBackend(backendName, () => backend, 2)
  return { backend, memory: module.wasmMemory, malloc: module._malloc, free: module._free }
}

/** The wasm backend, open. */
export type OpenBackend = Awaited<ReturnType<typeof openBackend>>
