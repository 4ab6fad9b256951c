/** Share of a whole for people: `84.7 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** Seconds for people: `42 s`, `3 min 05 s`, `2 h 10 min`. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`
}

/** A number as papers print losses and accuracies, with four decimals; counts and large numbers with fewer. */
export const numberText = (value: number): string => {
  const size = Math.abs(value)
  if (Number.isInteger(value) && size >= 100) return String(value)
  return size > 0 && size < 0.001 ? value.toPrecision(3) : value.toFixed(size < 100 ? 4 : 1)
}
