import { seriesColours } from "../../../run/report/palette.ts"

/** Pixels; small enough that text is readable where a phone shows the whole chart. */
export const chartWidth = 480

/** The colour of a series, by its place. */
export const colourOf = (index: number): string => `var(--c${index % seriesColours})`

/** How a series is dashed: solid until the colours are used up. */
export const dashOf = (index: number): string | undefined =>
  index < seriesColours ? undefined : index < 2 * seriesColours ? "5 3" : "1.5 3"
