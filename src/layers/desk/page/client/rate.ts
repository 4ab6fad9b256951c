/** Answers an hour: over the last minutes at work, so that a pause does not count. */

/** A longer pause is no work; the server's rates use the same. Milliseconds. */
const pause = 300_000
const window = 900_000

/** @param times - when answers were given, in milliseconds, in order */
export const ratePerHour = (times: ReadonlyArray<number>, now: number): number | null => {
  const recent = times.filter((time) => time > now - window)
  let work = 0
  let count = 0
  for (let at = 1; at < recent.length; at++) {
    const gap = (recent[at] ?? 0) - (recent[at - 1] ?? 0)
    if (gap >= pause) continue
    work += gap
    count += 1
  }
  return count < 2 || work === 0 ? null : (count * 3_600_000) / work
}
