/** A part of a function's code: bytes, and further parts. */
export type Code = ReadonlyArray<number | Code>

/** A variable of a function under construction. */
export interface Local {
  readonly index: number
}

export type ValueType = "i32" | "f32" | "v128"
const typeCode: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, v128: 0x7b }

/** An unsigned number in LEB128. */
export const unsigned = (n: number): Array<number> => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)])

/** A signed number in LEB128. */
const signed = (n: number): Array<number> => (n >= -64 && n < 64 ? [n & 127] : [(n & 127) | 128, ...signed(n >> 7)])

const flatten = (code: Code, into: Array<number> = []): Array<number> => {
  for (const part of code) {
    if (typeof part === "number") into.push(part)
    else flatten(part, into)
  }
  return into
}

/** The code of a SIMD instruction. */
export const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)]
/** An instruction of two operands. */
export const binary =
  (opcode: Code) =>
  (a: Code, b: Code): Code => [a, b, opcode]

export const get = (local: Local): Code => [0x20, ...unsigned(local.index)]
export const set = (local: Local, value: Code): Code => [value, 0x21, ...unsigned(local.index)]
export const int = (n: number): Code => [0x41, ...signed(n)]
export const add = binary([0x6a])
export const mul = binary([0x6c])
/** 1 where two whole numbers are the same. */
export const same = binary([0x46])
/** 1 where a < b, as signed numbers. */
export const less = binary([0x48])
export const call = (index: number, ...args: ReadonlyArray<Code>): Code => [...args, 0x10, ...unsigned(index)]
export const advance = (local: Local, by: Code): Code => set(local, add(get(local), by))
export const when = (condition: Code, ...body: ReadonlyArray<Code>): Code => [condition, 0x04, 0x40, body, 0x0b]
/** Does the body as long as the condition holds. */
export const during = (condition: Code, ...body: ReadonlyArray<Code>): Code => [
  [0x02, 0x40, 0x03, 0x40],
  [condition, 0x45, 0x0d, 1],
  body,
  [0x0c, 0, 0x0b, 0x0b]
]
/** Does the body as long as the condition holds, and once at least: one jump a round. */
export const repeat = (condition: Code, ...body: ReadonlyArray<Code>): Code => [
  0x03,
  0x40,
  body,
  condition,
  0x0d,
  0,
  0x0b
]

/** Four numbers from memory. */
export const load = (address: Code, offset = 0): Code => [address, simd(0), 0, ...unsigned(offset)]
/** One number from memory, four times. */
export const loadSplat = (address: Code, offset = 0): Code => [address, simd(9), 0, ...unsigned(offset)]
/** One number from memory, and three zeros. */
export const loadOne = (address: Code, offset = 0): Code => [address, simd(92), 0, ...unsigned(offset)]
export const store = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  simd(11),
  0,
  ...unsigned(offset)
]
/** The first of four numbers to memory. */
export const storeOne = (address: Code, value: Code, offset = 0): Code => [
  address,
  value,
  simd(90),
  0,
  ...unsigned(offset),
  0
]
export const splat = (value: Code): Code => [value, simd(19)]
export const zeros: Code = [simd(12), ...Array.from({ length: 16 }, () => 0)]
export const equal = binary(simd(0x41))
export const unequal = binary(simd(0x42))
export const lessOrEqual = binary(simd(0x45))
/** Whether any bit of four numbers is set. */
export const any = (a: Code): Code => [a, simd(83)]
export const both = binary(simd(78))
/** Bits of a that are not in b. */
export const without = binary(simd(79))
export const plus = binary(simd(228))
export const least = binary(simd(232))
export const most = binary(simd(233))
/** a * b + c: one rounding where the processor can, which is the same on every run of a machine. */
export const fma = (a: Code, b: Code, c: Code): Code => [a, b, c, simd(0x105)]

/** The parameters of a function under construction, one for each of their types. */
export type FunctionParameters<Types extends ReadonlyArray<ValueType>> = { readonly [At in keyof Types]: Local }

interface Body {
  readonly params: ReadonlyArray<ValueType>
  readonly locals: ReadonlyArray<ValueType>
  readonly code: ReadonlyArray<number>
}

/** A WebAssembly module under construction; it imports its (shared) memory as `env.memory`. */
export class Assembler {
  private readonly bodies: Array<Body> = []
  private readonly exports: Array<readonly [string, number]> = []

  /**
   * Adds a function without a result and gives its index. `build` gets the parameters in order, and `local` for more
   * variables.
   */
  add<const Types extends ReadonlyArray<ValueType>>(
    name: string,
    params: Types,
    build: (params: FunctionParameters<Types>, local: (type: ValueType) => Local) => Code
  ): number {
    const locals: Array<ValueType> = []
    const local = (type: ValueType): Local => ({ index: params.length + locals.push(type) - 1 })
    // `map` keeps the length, and its type forgets it.
    const given = params.map((_, index): Local => ({ index })) as unknown as FunctionParameters<Types>
    const code = flatten(build(given, local))
    this.exports.push([name, this.bodies.length])
    return this.bodies.push({ params, locals, code }) - 1
  }

  /** The module's bytes; `shared` memory may be used by many threads. */
  bytes(shared: boolean): Uint8Array<ArrayBuffer> {
    const vector = (items: ReadonlyArray<Code>): Code => [...unsigned(items.length), ...items]
    const section = (id: number, content: Code): Code => {
      const bytes = flatten(content)
      return [id, ...unsigned(bytes.length), bytes]
    }
    const text = (s: string): Code => [...unsigned(s.length), ...new TextEncoder().encode(s)]
    const types = this.bodies.map(({ params }) => [0x60, vector(params.map((type) => [typeCode[type]])), 0])
    const limits = shared ? [3, 1, ...unsigned(65536)] : [0, 1]
    const functions = this.bodies.map(({ code, locals }) => {
      const bytes = flatten([vector(locals.map((type) => [1, typeCode[type]])), code, 0x0b])
      return [...unsigned(bytes.length), bytes]
    })
    return new Uint8Array(
      flatten([
        [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, vector(types)),
        section(2, vector([[text("env"), text("memory"), 2, limits]])),
        section(3, vector(this.bodies.map((_, index) => unsigned(index)))),
        section(7, vector(this.exports.map(([name, index]) => [text(name), 0, ...unsigned(index)]))),
        section(10, vector(functions))
      ])
    )
  }
}
