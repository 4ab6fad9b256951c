import type { Code, Local } from "../../webassembly/assemble.ts"
import * as w from "../../webassembly/assemble.ts"
import { routine } from "./Routine.ts"

/** Reads and writes four numbers at once, or one. */
interface Width {
  readonly load: (address: Code) => Code
  readonly store: (address: Code, value: Code) => Code
}

const four: Width = { load: w.load, store: w.store }
const one: Width = { load: w.loadOne, store: w.storeOne }

/** Does the body for every channel: by fours, then what is left one by one. `at` is the channel's offset in bytes. */
const eachChannel = (at: Local, channels: Local, body: (width: Width) => Code): Code => {
  const left = (bytes: number) => w.less(w.add(w.get(at), w.int(bytes - 1)), w.mul(w.get(channels), w.int(4)))
  return [
    w.set(at, w.int(0)),
    w.during(left(16), body(four), w.advance(at, w.int(16))),
    w.during(left(4), body(one), w.advance(at, w.int(4)))
  ]
}

/** Does the body `count` times, and moves the pointers on by their steps. */
const times = (count: Local, steps: ReadonlyArray<readonly [Local, Local]>, body: Code): Code =>
  w.during(
    w.get(count),
    body,
    steps.map(([pointer, step]) => w.advance(pointer, w.get(step))),
    w.advance(count, w.int(-1))
  )

/** `activationGradient`: passes dy where 0 < y != high or y is NaN, else 0, to out, and adds it up by channel in sums. */
const activationGradient = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "f32"],
  ([dy, y, out, sums, rows, channels, high], local) => {
    const at = local("i32")
    const step = local("i32")
    const value = local("v128")
    const y4 = local("v128")
    const row = eachChannel(at, channels, ({ load, store }) => {
      const of = (pointer: Local) => w.add(w.get(pointer), w.get(at))
      return [
        w.set(y4, load(of(y))),
        w.set(
          value,
          w.without(w.both(load(of(dy)), w.unequal(w.get(y4), w.splat(w.get(high)))), w.lessOrEqual(w.get(y4), w.zeros))
        ),
        store(of(out), w.get(value)),
        store(of(sums), w.plus(load(of(sums)), w.get(value)))
      ]
    })
    return [
      w.set(step, w.mul(w.get(channels), w.int(4))),
      times(
        rows,
        [
          [dy, step],
          [y, step],
          [out, step]
        ],
        row
      )
    ]
  }
)

/** `total`: adds up rows by channel. */
const total = routine(["i32", "i32", "i32", "i32"], ([x, sums, rows, channels], local) => {
  const at = local("i32")
  const step = local("i32")
  const row = eachChannel(at, channels, ({ load, store }) => {
    const sum = w.add(w.get(sums), w.get(at))
    return store(sum, w.plus(load(sum), load(w.add(w.get(x), w.get(at)))))
  })
  return [w.set(step, w.mul(w.get(channels), w.int(4))), times(rows, [[x, step]], row)]
})

/** Pixels of an image, `rows` by `columns`, from the address in `first` on; steps are in bytes. */
interface Pixels {
  readonly first: Local
  readonly rowStep: Local
  readonly columnStep: Local
  readonly rows: Local
  readonly columns: Local
}

/** Goes through some pixels, all channels of each: `place` holds the pixel's address. */
const eachOf = (
  { columnStep, columns, first, rowStep, rows }: Pixels,
  local: (type: "i32") => Local,
  body: (place: Local) => Code
): Code => {
  const line = local("i32")
  const place = local("i32")
  const row = local("i32")
  const column = local("i32")
  return [
    w.set(line, w.get(first)),
    w.set(row, w.get(rows)),
    times(
      row,
      [[line, rowStep]],
      [w.set(place, w.get(line)), w.set(column, w.get(columns)), times(column, [[place, columnStep]], body(place))]
    )
  ]
}

/** `largest`: the largest of a window, by channel; NaN is larger than any number. */
const largest = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  ([x, rowStep, columnStep, rows, columns, channels, out], local) => {
    const at = local("i32")
    const best = local("v128")
    return eachChannel(at, channels, ({ load, store }) => [
      w.set(best, load(w.add(w.get(x), w.get(at)))),
      eachOf({ first: x, rowStep, columnStep, rows, columns }, local, (place) =>
        w.set(best, w.most(w.get(best), load(w.add(w.get(place), w.get(at)))))
      ),
      store(w.add(w.get(out), w.get(at)), w.get(best))
    ])
  }
)

/**
 * `route`: adds dy to the first of a window's pixels that is its largest, by channel, or to the last that is NaN; dx lies
 * `toDx` bytes after x.
 */
const route = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  ([x, rowStep, columnStep, rows, columns, channels, y, dy, toDx], local) => {
    const at = local("i32")
    const best = local("v128")
    const left = local("v128")
    const hit = local("v128")
    const [last, rowBack, columnBack] = [local("i32"), local("i32"), local("i32")]
    return eachChannel(at, channels, ({ load, store }) => {
      /** Gives what is left of dy to the first pixel, in this order, that the condition picks. */
      const give = (pixels: Pixels, picks: (value: Code) => Code) =>
        eachOf(pixels, local, (place) => {
          const value = w.add(w.get(place), w.get(at))
          const gradient = w.add(value, w.get(toDx))
          return [
            w.set(hit, picks(load(value))),
            store(gradient, w.plus(load(gradient), w.both(w.get(left), w.get(hit)))),
            w.set(left, w.without(w.get(left), w.get(hit)))
          ]
        })
      const negative = (a: Local) => w.mul(w.get(a), w.int(-1))
      const behind = (count: Local, step: Local) => w.mul(w.add(w.get(count), w.int(-1)), w.get(step))
      return [
        w.set(best, load(w.add(w.get(y), w.get(at)))),
        w.set(left, load(w.add(w.get(dy), w.get(at)))),
        give({ first: x, rowStep, columnStep, rows, columns }, (value) => w.equal(value, w.get(best))),
        // NaN equals nothing: what is still left goes back from the last pixel on.
        w.when(w.any(w.unequal(w.get(best), w.get(best))), [
          w.set(last, w.add(w.get(x), w.add(behind(rows, rowStep), behind(columns, columnStep)))),
          w.set(rowBack, negative(rowStep)),
          w.set(columnBack, negative(columnStep)),
          w.set(left, w.both(w.get(left), w.unequal(w.get(best), w.get(best)))),
          give({ first: last, rowStep: rowBack, columnStep: columnBack, rows, columns }, (value) => [
            w.set(hit, value),
            w.unequal(w.get(hit), w.get(hit))
          ])
        ])
      ]
    })
  }
)

/** `weigh`: the sum of a window's pixels times their weights, by channel; the weights lie like the pixels. */
const weigh = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  ([x, rowStep, columnStep, rows, columns, channels, weights, weightRowStep, out], local) => {
    const at = local("i32")
    const sum = local("v128")
    const [line, row, weight] = [local("i32"), local("i32"), local("i32")]
    const [xLine, place, left] = [local("i32"), local("i32"), local("i32")]
    return eachChannel(at, channels, ({ load, store }) => [
      w.set(sum, w.zeros),
      w.set(xLine, w.get(x)),
      w.set(line, w.get(weights)),
      w.set(row, w.get(rows)),
      times(
        row,
        [
          [xLine, rowStep],
          [line, weightRowStep]
        ],
        [
          w.set(place, w.get(xLine)),
          w.set(weight, w.get(line)),
          w.set(left, w.get(columns)),
          w.during(
            w.get(left),
            w.set(sum, w.fma(load(w.add(w.get(place), w.get(at))), load(w.add(w.get(weight), w.get(at))), w.get(sum))),
            w.advance(place, w.get(columnStep)),
            w.advance(weight, w.mul(w.get(channels), w.int(4))),
            w.advance(left, w.int(-1))
          )
        ]
      ),
      store(w.add(w.get(out), w.get(at)), w.get(sum))
    ])
  }
)

/** `clamp`: y = x clamped to [0, high], for `count` numbers; NaN stays NaN. */
const clamp = routine(["i32", "i32", "i32", "f32"], ([x, y, count, high], local) => {
  const at = local("i32")
  return eachChannel(at, count, ({ load, store }) =>
    store(w.add(w.get(y), w.get(at)), w.least(w.most(load(w.add(w.get(x), w.get(at))), w.zeros), w.splat(w.get(high))))
  )
})

/** `spread`: to[p] += from[p] * weight, by channel, for `count` pixels p. */
const spread = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  ([to, toStep, from, fromStep, weight, count, channels], local) => {
    const at = local("i32")
    const row = eachChannel(at, channels, ({ load, store }) => {
      const target = w.add(w.get(to), w.get(at))
      const source = load(w.add(w.get(from), w.get(at)))
      return store(target, w.fma(source, load(w.add(w.get(weight), w.get(at))), load(target)))
    })
    return times(
      count,
      [
        [to, toStep],
        [from, fromStep]
      ],
      row
    )
  }
)

/** `gather`: sums += a[p] * b[p], by channel, over `count` pixels p. */
const gather = routine(
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  ([a, aStep, b, bStep, sums, count, channels], local) => {
    const at = local("i32")
    const row = eachChannel(at, channels, ({ load, store }) => {
      const sum = w.add(w.get(sums), w.get(at))
      return store(sum, w.fma(load(w.add(w.get(a), w.get(at))), load(w.add(w.get(b), w.get(at))), load(sum)))
    })
    return times(
      count,
      [
        [a, aStep],
        [b, bStep]
      ],
      row
    )
  }
)

/** The routines that treat every channel alike. */
export const channelRoutines = { activationGradient, total, largest, route, weigh, clamp, spread, gather }
