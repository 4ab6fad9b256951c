import type { Result } from "effect"
import type { Model } from "../Model.ts"
import type { Network } from "../Network.ts"
import type { SafetensorsError } from "../safetensors.ts"
import type { Weights } from "../Tensor.ts"
import type { ExportInput, GraphSettings, TensorNames } from "./ExportSettings.ts"
import type { ExportPrecision, Precision } from "./Precision.ts"

/** One file of an export, in its folder. */
export interface ExportFile {
  readonly name: string
  readonly content: Uint8Array | string
}

/** A model to write, and what the user asked for. A graph has no tensor names, and weights have no graph settings. */
export interface ExportTask {
  readonly model: Model
  readonly graph: GraphSettings
  readonly names: TensorNames
  /** Float32 where left out. */
  readonly precision?: Precision
}

/** The export's description, which every format also keeps inside the model: as values, and as JSON text. */
export interface Description {
  readonly values: {
    readonly labels: ReadonlyArray<string>
    readonly columns?: ReadonlyArray<object>
    readonly preprocessing: object
  }
  readonly text: string
}

/** A graph that is run to see what its values are between. */
export interface Observing {
  readonly files: ReadonlyArray<ExportFile>
  /** The values, by their names in the graph that is observed. */
  readonly values: ReadonlyArray<string>
  /** The names of this graph's outputs: for each value the smallest and the largest number. */
  readonly outputs: ReadonlyArray<string>
}

interface AnyFormat<Name extends string> {
  /** Its name in `--format` and in the export's folder. */
  readonly name: Name
  /** Its name in the help. */
  readonly title: string
  /** The precisions that it can be written in. */
  readonly precisions: ReadonlyArray<ExportPrecision>
  /** Whether a file name is one that this format writes: `--force` replaces folders with such files only. */
  readonly writes: (file: string) => boolean
  /** The files of a model. Throws where a tensor is missing, or where the format cannot hold so many bytes. */
  readonly files: (task: ExportTask, description: Description) => ReadonlyArray<ExportFile>
}

/** A format with the whole computation in it, from images to classes. Its reader is a file in `layers/exportReaders/`. */
export interface GraphFormat<Name extends string = string> extends AnyFormat<Name> {
  readonly kind: "graph"
  /** Why a model cannot be written in it; undefined where it can. */
  readonly fault?: (task: Pick<ExportTask, "model">) => string | undefined
  /** The order of an input's axes. */
  readonly layout: (input: ExportInput) => "NHWC" | "NCHW"
  /** A note on the input of bytes, beside the order of its channels. */
  readonly bytesNote?: string
  /** For int8: what its calibration runs instead of these files. Throws an Error where they cannot be quantised. */
  readonly observing?: (files: ReadonlyArray<ExportFile>) => Observing
  /** Version of the operators, where the format has one. */
  readonly opset?: (network: Network) => number
}

/** A format of tensors alone. Weft's own engine loads them again. */
export interface WeightsFormat<Name extends string = string> extends AnyFormat<Name> {
  readonly kind: "weights"
  /** The file with the tensors. */
  readonly file: string
  /** The tensors of the file's bytes, under our names and in the network's shapes; others are left out. */
  readonly read: (bytes: Uint8Array, network: Network) => Result.Result<Weights, SafetensorsError>
  /** Why the model cannot be written as asked for; undefined where it can. */
  readonly fault: (task: Pick<ExportTask, "model" | "names">) => string | undefined
  /** What a program that loads the tensors has to do, or it computes something else. */
  readonly warnings: (task: ExportTask) => ReadonlyArray<string>
}

/**
 * All facts of an export format. A new one is a file in `formats/` that exports one of these, and a line in
 * `formats.ts`; the command line, the description and the check follow.
 */
export type Format = GraphFormat | WeightsFormat
