import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import sharp from "sharp"
import { kinds } from "../../../src/sample/kinds.ts"
import { drawProducts } from "../../../src/sample/rows.ts"

/** What a picture's colours say without its shapes, and how much of it is covered. */
interface Cues {
  readonly mean: ReadonlyArray<number>
  readonly histogram: ReadonlyArray<number>
  readonly area: ReadonlyArray<number>
}

const cuesOf = (pixels: Uint8Array): Cues => {
  const count = pixels.length / 3
  const mean = [0, 0, 0]
  const histogram = Array.from({ length: 27 }, () => 0)
  let covered = 0
  for (let i = 0; i < pixels.length; i += 3) {
    let bin = 0
    let distance = 0
    for (let c = 0; c < 3; c++) {
      const value = pixels[i + c]!
      mean[c]! += value / 255 / count
      bin = bin * 3 + Math.min(2, Math.floor(value / 86))
      distance += Math.abs(value - pixels[c]!)
    }
    histogram[bin]! += 1 / count
    if (distance > 40) covered += 1 / count
  }
  return { mean, histogram, area: [covered, covered ** 2, covered ** 3] }
}

/** Softmax regression by gradient descent on standardised features; accuracy on the last quarter. */
const learnt = (features: ReadonlyArray<ReadonlyArray<number>>, labels: ReadonlyArray<number>): number => {
  const classes = kinds.length
  const size = features[0]!.length
  const cut = Math.floor(features.length * 0.75)
  const columns = Array.from({ length: size }, (_, j) => features.slice(0, cut).map((row) => row[j]!))
  const means = columns.map((column) => column.reduce((sum, v) => sum + v, 0) / cut)
  const scales = columns.map(
    (column, j) => Math.sqrt(column.reduce((s, v) => s + (v - means[j]!) ** 2, 0) / cut) + 1e-6
  )
  const rows = features.map((row) => [...row.map((v, j) => (v - means[j]!) / scales[j]!), 1])
  const weights = new Float64Array(classes * (size + 1))
  const scoresOf = (row: ReadonlyArray<number>) =>
    Array.from({ length: classes }, (_, c) => row.reduce((sum, v, j) => sum + v * weights[c * (size + 1) + j]!, 0))
  for (let step = 0; step < 120; step++) {
    const gradient = new Float64Array(weights.length)
    for (let i = 0; i < cut; i++) {
      const scores = scoresOf(rows[i]!)
      const top = Math.max(...scores)
      const exps = scores.map((score) => Math.exp(score - top))
      const total = exps.reduce((sum, v) => sum + v, 0)
      for (let c = 0; c < classes; c++) {
        const error = exps[c]! / total - (labels[i] === c ? 1 : 0)
        for (let j = 0; j <= size; j++) gradient[c * (size + 1) + j]! += (error * rows[i]![j]!) / cut
      }
    }
    for (let k = 0; k < weights.length; k++) weights[k]! -= 1 * gradient[k]!
  }
  const right = rows.slice(cut).filter((row, i) => {
    const scores = scoresOf(row)
    return scores.indexOf(Math.max(...scores)) === labels[cut + i]
  })
  return right.length / (rows.length - cut)
}

describe("the sample catalogue needs learning", () => {
  it.effect("a majority guess stays under 25 %, and neither colours nor the covered area tell the kind", () =>
    Effect.gen(function* () {
      const products = drawProducts({ images: 1000, seed: 2 })
      const labels = products.map(({ kind }) => kinds.indexOf(kind))
      const cues = yield* Effect.forEach(
        products,
        ({ drawing }) =>
          Effect.promise(() =>
            sharp(new TextEncoder().encode(drawing.at(60, 80)))
              .removeAlpha()
              .raw()
              .toBuffer()
          ).pipe(Effect.map(cuesOf)),
        { concurrency: 4 }
      )
      const majority = Math.max(...kinds.map((_, c) => labels.filter((label) => label === c).length)) / labels.length
      const scores = {
        mean: learnt(
          cues.map(({ mean }) => mean),
          labels
        ),
        histogram: learnt(
          cues.map(({ histogram, mean }) => [...histogram, ...mean]),
          labels
        ),
        area: learnt(
          cues.map(({ area }) => area),
          labels
        )
      }
      assert.isBelow(majority, 0.22)
      for (const [cue, accuracy] of Object.entries(scores)) assert.isBelow(accuracy, 0.35, cue)
      // The check itself can learn: told the kind, it knows the kind.
      assert.isAbove(
        learnt(
          labels.map((label) => kinds.map((_, c) => (c === label ? 1 : 0))),
          labels
        ),
        0.95
      )
    })
  )
})
