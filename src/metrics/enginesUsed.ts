import type { EpochRecord, RanOn } from "./Report.ts"

/** Epochs in a row, from 1, and on what they ran. */
export interface EngineSpan {
  readonly from: number
  readonly to: number
  readonly ranOn: ReadonlyArray<RanOn>
}

const nameOf = ({ device, engine, features }: RanOn): string =>
  `${engine} (${device})${features === undefined ? "" : `, frozen part by ${features}`}`

/** On what a run's epochs ran: one span, unless it was resumed on something else; none where it is not known. */
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

/** Of a run whose epochs did not all run on the same, a sentence that says which ran on what. */
export const enginesText = (history: ReadonlyArray<EpochRecord>): string | undefined => {
  const spans = enginesUsed(history)
  if (spans.length < 2) return undefined
  const said = spans.map(
    ({ from, ranOn, to }) =>
      `${from === to ? `epoch ${from}` : `epochs ${from} to ${to}`} on ${ranOn.map(nameOf).join(", then ")}`
  )
  return `The run was resumed on something else than it began on: ${said.join("; ")}.`
}
