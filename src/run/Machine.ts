import { Context, Layer } from "effect"

/** The machine of a run, and the versions of its libraries. */
export interface MachineFacts {
  readonly platform: string
  readonly arch: string
  /** Logical processors. */
  readonly cpus: number
  /** Bytes. */
  readonly memory: number
  /** Of Weft, Node and the libraries that a result may depend on. */
  readonly versions: Readonly<Record<string, string>>
}

/** The machine, as a run's receipt records it. */
export class Machine extends Context.Service<Machine, MachineFacts>()("weft/run/Machine") {
  static readonly layerTest = Layer.succeed(Machine, {
    platform: "test",
    arch: "test",
    cpus: 1,
    memory: 2 ** 30,
    versions: { weft: "0.0.0" }
  })
}
