import { metrics } from "./metrics.ts"

const bound = (value: number) => (value === Infinity ? "∞" : String(value))

/** The metrics as a Markdown table for the README. */
export const metricTable = (): string =>
  [
    "| `report.json`, below `test` | metric | range | better | 95 % interval | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...metrics.map(
      ({ better, interval, meaning, path, range: [least, greatest], source, title, unit }) =>
        `| \`${path}\` | ${title} | ${bound(least)} to ${bound(greatest)}${unit === "nats" ? " nats" : ""} | ${better} | ${interval?.method ?? "–"} | ${meaning}. Source: ${source} |`
    )
  ].join("\n")
