import type { Assembler, Code, Local, ValueType } from "../../webassembly/assemble.ts"
import * as w from "../../webassembly/assemble.ts"
import type { Call } from "./Routine.ts"
import { routine } from "./Routine.ts"

/** Rows of a tile: 6 by 8 sums, and what feeds them, fill the 16 vector registers of an x86 core. */
export const tileRows = 6
/** Columns of a tile, two vectors; right operands are packed into panels of this width. */
export const panelWidth = 8

const float = 4
const vector = 16

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/** A panel's width: the first four columns, and the last four. */
type Pair = readonly [low: Local, high: Local]

const pair = (local: (type: ValueType) => Local): Pair => [local("v128"), local("v128")]

/** Adds a * b to the sums of one row. */
const multiplyAdd = (a: Local, [bLow, bHigh]: Pair, [low, high]: Pair): Code => [
  w.set(low, w.fma(w.get(a), w.get(bLow), w.get(low))),
  w.set(high, w.fma(w.get(a), w.get(bHigh), w.get(high)))
]

/**
 * `tileN`: N rows by 8 columns of (rows of x) times (panel), plus bias, clamped to [low, high].
 *
 * A row of x is `segments` runs of `length` numbers, `segmentStep` bytes apart: one run for each row of a
 * convolution's kernel, so nothing needs to be gathered first.
 */
const tile = (rows: number) =>
  routine(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32"],
    ([x, step, segments, length, segmentStep, panel, bias, out, outStep, low, high], local) => {
      /** A row's place in x, and its sums. */
      const lines = range(rows)
        .map(() => pair(local))
        .map((sums) => ({ pointer: local("i32"), sums }))
      const left = local("i32")
      const b = pair(local)
      const a = local("v128")
      const multiply = (k: number): Code => [
        b.map((half, i) => w.set(half, w.load(w.get(panel), k * panelWidth * float + i * vector))),
        lines.map(({ pointer, sums }) => [w.set(a, w.loadSplat(w.get(pointer), k * float)), multiplyAdd(a, b, sums)])
      ]
      const round = (n: number): Code => [
        range(n).map(multiply),
        lines.map(({ pointer }) => w.advance(pointer, w.int(n * float))),
        w.advance(panel, w.int(n * panelWidth * float)),
        w.advance(left, w.int(-n))
      ]
      const clamped = (sum: Local) => w.least(w.most(w.get(sum), w.splat(w.get(low))), w.splat(w.get(high)))
      return [
        lines.map(({ sums }) => sums.map((sum, j) => w.set(sum, w.load(w.get(bias), j * vector)))),
        w.during(w.get(segments), [
          lines.map(({ pointer }, i) => {
            const before = lines[i - 1]
            return w.set(pointer, before === undefined ? w.get(x) : w.add(w.get(before.pointer), w.get(step)))
          }),
          w.set(left, w.get(length)),
          w.during(w.less(w.int(3), w.get(left)), round(4)),
          w.during(w.get(left), round(1)),
          w.advance(x, w.get(segmentStep)),
          w.advance(segments, w.int(-1))
        ]),
        lines.map(({ sums }) => [
          sums.map((sum, j) => w.store(w.get(out), clamped(sum), j * vector)),
          w.advance(out, w.get(outStep))
        ])
      ]
    }
  )

/** A tile's number in the module, and its rows. */
interface Tile {
  readonly rows: number
  readonly index: number
}

/** `strip`: as many tiles as `count` rows need, one panel wide: full ones, and a smaller one for what is left. */
const strip = (full: Tile, smaller: ReadonlyArray<Tile>) =>
  routine(["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32", "i32"], (params) => {
    const [x, step, , , , , , out, outStep, , , count] = params
    const doTile = ({ index }: Tile): Code => w.call(index, ...params.slice(0, 11).map(w.get))
    return [
      w.during(w.less(w.int(full.rows - 1), w.get(count)), [
        doTile(full),
        w.advance(x, w.mul(w.get(step), w.int(full.rows))),
        w.advance(out, w.mul(w.get(outStep), w.int(full.rows))),
        w.advance(count, w.int(-full.rows))
      ]),
      smaller.map((tile) => w.when(w.same(w.get(count), w.int(tile.rows)), doTile(tile)))
    ]
  })

/**
 * `outerN`: adds to N rows of a panel the sums over pixels of x[0 .. N) times dy[0 .. 8): a piece of a filter's
 * gradient. Pixels lie in `images` images of `lines` rows of `count`; steps are in bytes.
 */
const outer = (rows: number) =>
  routine(
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    ([x, xStep, xLine, xImage, dy, dyStep, dyLine, dyImage, images, lines, count, out], local) => {
      const sums = range(rows).map(() => pair(local))
      const [xl, dyl, xp, dyp, line, left] = [
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32")
      ]
      const a = local("v128")
      const b = pair(local)
      const pixel: Code = [
        b.map((half, j) => w.set(half, w.load(w.get(dyp), j * vector))),
        sums.map((row, i) => [w.set(a, w.loadSplat(w.get(xp), i * float)), multiplyAdd(a, b, row)]),
        w.advance(xp, w.get(xStep)),
        w.advance(dyp, w.get(dyStep)),
        w.advance(left, w.int(-1))
      ]
      return [
        w.during(w.get(images), [
          w.set(xl, w.get(x)),
          w.set(dyl, w.get(dy)),
          w.set(line, w.get(lines)),
          w.during(w.get(line), [
            w.set(xp, w.get(xl)),
            w.set(dyp, w.get(dyl)),
            w.set(left, w.get(count)),
            w.repeat(w.get(left), pixel),
            w.advance(xl, w.get(xLine)),
            w.advance(dyl, w.get(dyLine)),
            w.advance(line, w.int(-1))
          ]),
          w.advance(x, w.get(xImage)),
          w.advance(dy, w.get(dyImage)),
          w.advance(images, w.int(-1))
        ]),
        sums.map((row, i) =>
          row.map((sum, j) => {
            const offset = i * panelWidth * float + j * vector
            return w.store(w.get(out), w.plus(w.load(w.get(out), offset), w.get(sum)), offset)
          })
        )
      ]
    }
  )

/** The routines that multiply matrices, and convolve. */
export type MatrixRoutines = { readonly strip: Call<ReturnType<typeof strip>> } & {
  readonly [name in `outer${number}`]?: Call<ReturnType<typeof outer>>
}

/** Adds them to a module. */
export const addMatrixRoutines = (module: Assembler): void => {
  const addTile = (rows: number): Tile => ({ rows, index: tile(rows).addTo(module, `tile${rows}`) })
  const smaller = range(tileRows - 1).map((i) => addTile(i + 1))
  strip(addTile(tileRows), smaller).addTo(module, "strip")
  for (const i of range(tileRows)) outer(i + 1).addTo(module, `outer${i + 1}`)
}

/** The routine for so many rows of a panel. */
export const outerOf = (routines: MatrixRoutines, rows: number): Call<ReturnType<typeof outer>> => {
  const found = routines[`outer${rows}`]
  if (found === undefined) throw new Error(`no routine for ${rows} rows of a filter's gradient: 1 to ${tileRows} exist`)
  return found
}
