import { createRequire } from "node:module"

/** What Weft reads of its own package.json. The path is the same from `src/` and from `dist/`: both lie directly under it. */
interface Manifest {
  readonly version: string
  /** Exact versions. */
  readonly dependencies: { readonly sharp: string; readonly "@cwasm/jpeg-turbo": string }
  /** Those that are optional. */
  readonly peerDependencies: Readonly<
    Record<
      | "@effect/sql-pg"
      | "@tensorflow/tfjs-backend-webgpu"
      | "@tensorflow/tfjs-converter"
      | "@tensorflow/tfjs-node-gpu"
      | "onnxruntime-node"
      | "webgpu",
      string
    >
  >
}

export const manifest = createRequire(import.meta.url)("../../../package.json") as Manifest // ours: a test reads it too
