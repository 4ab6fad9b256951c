import type { KernelBackend, Tensor, TensorInfo } from "@tensorflow/tfjs-core"

/** An attribute of an operation, as the addon takes it. */
export interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: boolean | number | string | ReadonlyArray<number>
}

/** What an operation leaves: a tensor's number in the addon, its shape and TensorFlow's number of its type. */
export interface Made {
  readonly id: number
  readonly shape: Array<number>
  readonly dtype: number
}

/** As many as `Count` says, for a count that is written in the code. */
export type Several<A, Count extends number, Made extends ReadonlyArray<A> = readonly []> = number extends Count
  ? ReadonlyArray<A>
  : Made["length"] extends Count
    ? Made
    : Several<A, Count, readonly [...Made, A]>

/** What we use of the addon (`binding/tfjs_binding.cc` of the package). */
export interface Binding {
  readonly TF_Version: string
  readonly TF_FLOAT: number
  readonly TF_INT32: number
  readonly TF_BOOL: number
  readonly TF_RESOURCE: number
  readonly TF_ATTR_STRING: number
  readonly TF_ATTR_INT: number
  readonly TF_ATTR_FLOAT: number
  readonly TF_ATTR_BOOL: number
  readonly TF_ATTR_TYPE: number
  readonly TF_ATTR_SHAPE: number
  readonly createTensor: (shape: ReadonlyArray<number>, dtype: number, values: ArrayLike<number>) => number
  readonly deleteTensor: (id: number) => void
  readonly tensorDataSync: (id: number) => Float32Array
  readonly executeOp: <Count extends number>(
    name: string,
    attributes: ReadonlyArray<Attribute>,
    inputs: ReadonlyArray<number>,
    outputs: Count
  ) => Several<Made, Count>
  readonly isUsingGpuDevice: () => boolean
}

/** A tensor's place in the package's backend; `values` are those that have not gone to TensorFlow yet. */
export interface Place {
  id: number
  readonly shape: ReadonlyArray<number>
  readonly dtype: number
  values: ArrayLike<number> | null
  refCount: number
}

/** What we use of the package's backend (`dist/nodejs_kernel_backend.js`). */
export interface PackageBackend extends KernelBackend {
  readonly binding: Binding
  readonly tensorMap: {
    readonly get: (dataId: object) => Place
    readonly set: (dataId: object, place: Place) => void
  }
  readonly getInputTensorIds: (tensors: readonly [TensorInfo]) => [number]
  /** A SavedModel's number in the addon; `tags` apart by commas. */
  readonly loadSavedModelMetaGraph: (folder: string, tags: string) => number
  readonly runSavedModel: (
    model: number,
    inputs: ReadonlyArray<TensorInfo>,
    infos: ReadonlyArray<{ readonly name: string; readonly tfDtype: string }>,
    outputs: ReadonlyArray<string>
  ) => ReadonlyArray<Tensor>
  readonly deleteSavedModel: (model: number) => void
}

/** The class of the package's backend. */
export type PackageBackendClass = new (binding: Binding, packageName: string) => PackageBackend
