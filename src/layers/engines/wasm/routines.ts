import { Assembler } from "../../webassembly/assemble.ts"
import { addChannelRoutines } from "./channelRoutines.ts"
import { addMatrixRoutines } from "./matrixRoutines.ts"

/** The inner loops, by name; all take addresses and byte steps in the memory that they were made over. */
export type Routines = Readonly<Record<string, (...args: ReadonlyArray<number>) => void>>

/** The bytes of a module with all inner loops. */
export const routineBytes = (): Uint8Array<ArrayBuffer> => {
  const module = new Assembler()
  addMatrixRoutines(module)
  addChannelRoutines(module)
  return module.bytes(true)
}

/** The inner loops over one memory. */
export const routinesOver = (module: WebAssembly.Module, memory: WebAssembly.Memory): Routines =>
  // Every export is a function over numbers: see `Assembler.add`.
  new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Routines
