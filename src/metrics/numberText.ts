/** Share of a whole for people: `84.7 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** Seconds as a person says them: `42 s`, `3 min 05 s`, `2 h 10 min`. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`
}

/** A figure as the field's tables have losses and accuracies, with four decimals; counts and large ones with fewer. */
export const figureText = (figure: number): string => {
  const size = Math.abs(figure)
  if (Number.isInteger(figure) && size >= 100) return String(figure)
  return size > 0 && size < 0.001 ? figure.toPrecision(3) : figure.toFixed(size < 100 ? 4 : 1)
}
