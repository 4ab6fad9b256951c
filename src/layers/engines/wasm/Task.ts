import type { Routines } from "./routines.ts"

/** What a thread works with. */
export interface Bench {
  readonly routines: Routines
  /** The whole memory, as it is now. */
  readonly floats: Float32Array
  /** This thread's number: 0 is the main one. */
  readonly thread: number
}

/**
 * A kind of work that falls into pieces, any of which may be done by any thread at any time. A piece writes what no
 * other piece writes, so the bits do not depend on the number of threads.
 *
 * Arguments are numbers; those in bytes are addresses and steps, the rest are counts.
 */
export interface Task<Field extends string = string> {
  readonly fields: ReadonlyArray<Field>
  readonly run: (args: Readonly<Record<Field, number>>, piece: number, bench: Bench) => void
}

export const task = <Field extends string>(
  fields: ReadonlyArray<Field>,
  run: (args: Readonly<Record<Field, number>>, piece: number, bench: Bench) => void
): Task<Field> => ({ fields, run })

/** Bytes of a number in float32. */
export const float = 4

/** Bytes of a number in float64. */
export const double = 8
