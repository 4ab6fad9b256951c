import { Schema } from "effect"

/** When a row is of: a plain number, or a date in milliseconds since 1970, UTC. */
export const Time = Schema.Struct({ at: Schema.Finite, isDate: Schema.Boolean })
export type Time = typeof Time.Type

/** What may stand in a column of times, for messages. */
export const timeWords = "a number, or a date such as 2012-05-31 or 2012-05-31T10:00:00Z"

const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const isoDate = /^(\d{4}-\d{2})(-\d{2})?([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i

/** The time that a cell means: a number, or an ISO 8601 date; without an offset it is UTC. Undefined where it is neither. */
export const timeOf = (cell: string): Time | undefined => {
  const text = cell.trim()
  if (plainNumber.test(text)) {
    const at = Number(text)
    return Number.isFinite(at) ? { at, isDate: false } : undefined
  }
  const date = isoDate.exec(text)
  if (date === null) return undefined
  const [, month = "", day = "-01", clock, , , offset] = date
  if (clock === undefined && offset !== undefined) return undefined
  // JavaScript takes the 31st of February for a day in March.
  const midnight = Date.parse(`${month}${day}T00:00:00Z`)
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== `${month}${day}`) return undefined
  const zone = offset === undefined ? "Z" : offset.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, "$1:$2")
  const at = Date.parse(`${month}${day}T${clock === undefined ? "00:00:00" : clock.slice(1).replace(",", ".")}${zone}`)
  return Number.isNaN(at) ? undefined : { at, isDate: true }
}

/** A time among dates: a whole number of four digits is a year. Undefined where it is another number. */
export const asDate = ({ at, isDate }: Time): Time | undefined => {
  if (isDate) return { at, isDate }
  return Number.isInteger(at) && at >= 1000 && at <= 9999 ? { at: Date.UTC(at, 0, 1), isDate: true } : undefined
}

/** A time as people read it: 2012, 2012-05-31, 2012-05-31T10:00:00Z. */
export const timeText = ({ at, isDate }: Time): string =>
  isDate
    ? new Date(at)
        .toISOString()
        .replace(/\.000Z$/, "Z")
        .replace(/T00:00:00Z$/, "")
    : String(at)
