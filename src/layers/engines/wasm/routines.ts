import { Assembler } from "../../webassembly/assemble.ts"
import { channelRoutines } from "./channelRoutines.ts"
import type { MatrixRoutines } from "./matrixRoutines.ts"
import { addMatrixRoutines } from "./matrixRoutines.ts"
import type { Call } from "./Routine.ts"

/** The inner loops, by name; all take addresses and byte steps in the memory that they were made over. */
export type Routines = MatrixRoutines & {
  readonly [Name in keyof typeof channelRoutines]: Call<(typeof channelRoutines)[Name]>
}

/** The bytes of a module with all inner loops. */
export const routineBytes = (): Uint8Array<ArrayBuffer> => {
  const module = new Assembler()
  addMatrixRoutines(module)
  for (const [name, { addTo }] of Object.entries(channelRoutines)) addTo(module, name)
  return module.bytes(true)
}

/** The inner loops over one memory. */
export const routinesOver = (module: WebAssembly.Module, memory: WebAssembly.Memory): Routines =>
  // The module is `routineBytes`, which adds these and no others.
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Routines
