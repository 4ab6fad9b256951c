import type { EpochRecord, RanOn } from "./Report.ts"

/** Consecutive epochs (from 1) that ran on the same engine. */
export interface EngineSpan {
  readonly from: number
  readonly to: number
  readonly ranOn: ReadonlyArray<RanOn>
}

const nameOf = ({ device, engine, features }: RanOn): string =>
  `${engine} (${device})${features === undefined ? "" : `, frozen part by ${features}`}`

/**
 * The engines of a run's epochs: one span, unless the run was resumed on another engine; none where they are not known.
 */
export const enginesUsed = (history: ReadonlyArray<EpochRecord>): ReadonlyArray<EngineSpan> => {
  const spans: Array<EngineSpan> = []
  for (const { epoch, ranOn } of history) {
    if (ranOn === undefined) continue
    const last = spans.at(-1)
    if (last !== undefined && last.to === epoch - 1 && JSON.stringify(last.ranOn) === JSON.stringify(ranOn))
      spans[spans.length - 1] = { ...last, to: epoch }
    else spans.push({ from: epoch, to: epoch, ranOn })
  }
  return spans
}

/** A sentence that names the engine of each epoch, where they differ. */
export const enginesText = (history: ReadonlyArray<EpochRecord>): string | undefined => {
  const spans = enginesUsed(history)
  if (spans.length < 2) return undefined
  const texts = spans.map(
    ({ from, ranOn, to }) =>
      `${from === to ? `epoch ${from}` : `epochs ${from} to ${to}`} on ${ranOn.map(nameOf).join(", then ")}`
  )
  return `The run was resumed on another engine than it began on: ${texts.join("; ")}.`
}
