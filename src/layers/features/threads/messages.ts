import type { InferenceSession } from "onnxruntime-node"

/** What a thread begins with: a model's bytes, which all threads share, and how its session computes. */
export interface Begin {
  readonly model: Uint8Array
  readonly options: InferenceSession.SessionOptions
  readonly input: string
  readonly output: string
}

/** Images of one call. */
export interface Call {
  readonly ticket: number
  readonly images: Float32Array
  readonly dims: ReadonlyArray<number>
}

/** `opened` comes once, first; then an answer for each call, in their order. */
export type Reply =
  | { readonly _tag: "opened"; readonly version: string }
  | { readonly _tag: "done"; readonly ticket: number; readonly features: Float32Array<ArrayBuffer> }
  | { readonly _tag: "failed"; readonly ticket: number; readonly detail: string }
