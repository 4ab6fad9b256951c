import type { Assembler, Code, FunctionParameters, Local, ValueType } from "../../webassembly/assemble.ts"

/** An inner loop: what it takes, and how it is added to a module under a name. */
export interface Routine<Types extends ReadonlyArray<ValueType> = ReadonlyArray<ValueType>> {
  readonly params: Types
  readonly addTo: (module: Assembler, name: string) => number
}

type NumberEach<Types extends ReadonlyArray<ValueType>> = { readonly [At in keyof Types]: number }

/** How a routine is called: addresses and steps in bytes, counts, and numbers. */
export type Call<R extends Routine> = (...args: NumberEach<R["params"]>) => void

/** Makes a routine of its parameters' types and its code. */
export const routine = <const Types extends ReadonlyArray<ValueType>>(
  params: Types,
  build: (params: FunctionParameters<Types>, local: (type: ValueType) => Local) => Code
): Routine<Types> => ({ params, addTo: (module, name) => module.add(name, params, build) })
