import type { Assembler, Code, Local } from "../../webassembly/assemble.ts"
import * as w from "../../webassembly/assemble.ts"

/** Rows of a tile: 6 by 8 sums, and what feeds them, fill the 16 vector registers of an x86 core. */
export const tileRows = 6
/** Columns of a tile, two vectors; right operands are packed into panels of this width. */
export const panelWidth = 8

const float = 4
const vector = 16

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

/**
 * `tileN`: N rows by 8 columns of (rows of x) times (panel), plus bias, clamped to [low, high].
 *
 * A row of x is `segments` runs of `length` numbers, `segmentStep` bytes apart: one run for each row of a
 * convolution's kernel, so nothing needs to be gathered first.
 */
const tile = (module: Assembler, rows: number) =>
  module.add(
    `tile${rows}`,
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32"],
    ([x, step, segments, length, segmentStep, panel, bias, out, outStep, low, high], local) => {
      const sums = range(rows).map(() => [local("v128"), local("v128")] as const)
      const pointers = range(rows).map(() => local("i32"))
      const left = local("i32")
      const b = [local("v128"), local("v128")] as const
      const a = local("v128")
      const multiply = (k: number): Code => [
        b.map((half, i) => w.set(half, w.load(w.get(panel), k * panelWidth * float + i * vector))),
        sums.map((row, i) => [
          w.set(a, w.loadSplat(w.get(pointers[i]!), k * float)),
          row.map((sum, j) => w.set(sum, w.fma(w.get(a), w.get(b[j]!), w.get(sum))))
        ])
      ]
      const round = (n: number): Code => [
        range(n).map(multiply),
        pointers.map((pointer) => w.advance(pointer, w.int(n * float))),
        w.advance(panel, w.int(n * panelWidth * float)),
        w.advance(left, w.int(-n))
      ]
      const clamped = (sum: Local) => w.least(w.most(w.get(sum), w.splat(w.get(low))), w.splat(w.get(high)))
      return [
        sums.map((row) => row.map((sum, j) => w.set(sum, w.load(w.get(bias), j * vector)))),
        w.during(w.get(segments), [
          w.set(pointers[0]!, w.get(x)),
          pointers.slice(1).map((pointer, i) => w.set(pointer, w.add(w.get(pointers[i]!), w.get(step)))),
          w.set(left, w.get(length)),
          w.during(w.less(w.int(3), w.get(left)), round(4)),
          w.during(w.get(left), round(1)),
          w.advance(x, w.get(segmentStep)),
          w.advance(segments, w.int(-1))
        ]),
        sums.map((row) => [
          row.map((sum, j) => w.store(w.get(out), clamped(sum), j * vector)),
          w.advance(out, w.get(outStep))
        ])
      ]
    }
  )

/** `strip`: as many tiles as `count` rows need, one panel wide. */
const strip = (module: Assembler, tiles: ReadonlyArray<number>) =>
  module.add(
    "strip",
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "f32", "f32", "i32"],
    (params) => {
      const [x, step, , , , , , out, outStep, , , count] = params
      const doTile = (rows: number): Code => w.call(tiles[rows]!, ...params.slice(0, 11).map(w.get))
      return [
        w.during(w.less(w.int(tileRows - 1), w.get(count)), [
          doTile(tileRows),
          w.advance(x, w.mul(w.get(step), w.int(tileRows))),
          w.advance(out, w.mul(w.get(outStep), w.int(tileRows))),
          w.advance(count, w.int(-tileRows))
        ]),
        range(tileRows - 1).map((i) => w.when(w.same(w.get(count), w.int(i + 1)), doTile(i + 1)))
      ]
    }
  )

/**
 * `outerN`: adds to N rows of a panel the sums over pixels of x[0 .. N) times dy[0 .. 8): a piece of a filter's
 * gradient. Pixels lie in `images` images of `lines` rows of `count`; steps are in bytes.
 */
const outer = (module: Assembler, rows: number) =>
  module.add(
    `outer${rows}`,
    ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
    ([x, xStep, xLine, xImage, dy, dyStep, dyLine, dyImage, images, lines, count, out], local) => {
      const sums = range(rows).map(() => [local("v128"), local("v128")] as const)
      const [xl, dyl, xp, dyp, line, left] = [
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32"),
        local("i32")
      ]
      const a = local("v128")
      const b = [local("v128"), local("v128")] as const
      const pixel: Code = [
        b.map((half, j) => w.set(half, w.load(w.get(dyp), j * vector))),
        sums.map((row, i) => [
          w.set(a, w.loadSplat(w.get(xp), i * float)),
          row.map((sum, j) => w.set(sum, w.fma(w.get(a), w.get(b[j]!), w.get(sum))))
        ]),
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

/** Adds the routines that multiply matrices, and convolve. */
export const addMatrixRoutines = (module: Assembler): void => {
  const tiles = [-1, ...range(tileRows).map((i) => tile(module, i + 1))]
  strip(module, tiles)
  for (const i of range(tileRows)) outer(module, i + 1)
}
