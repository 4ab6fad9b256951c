import type { Figure, Given, Measured } from "./Comparison.ts"
import { figureOf, median } from "./Comparison.ts"

/** The machine that was measured on, and when. */
export interface Circumstances {
  /** ISO 8601, to the minute. */
  readonly when: string
  readonly processor: string
  readonly cores: number
  /** Mean number of processes that wanted to run, in the minute before. */
  readonly load: number
  readonly node: string
  readonly rounds: number
  /** What was asked for. */
  readonly command: string
}

const figure = (n: number) => (Math.abs(n) >= 100 ? n.toFixed(0) : Math.abs(n) >= 10 ? n.toFixed(1) : n.toFixed(3))
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const cellOf = (label: string, given: ReadonlyArray<Given | undefined>, field: string, unit: string): string => {
  const found = given.map((one) => figureOf(one, field)).filter((n) => n !== undefined)
  const why = given.find((one) => one !== undefined && "missing" in one)
  if (found.length === 0)
    return cell(`${label}: ${why !== undefined && "missing" in why ? why.missing : `no figure \`${field}\``}`)
  const all = found.length > 1 ? ` (${found.map(figure).join(", ")})` : ""
  return `${label}: ${figure(median(found))}${unit === "" ? "" : ` ${unit}`}${all}`
}

/** The median of the rounds' ratios: what both sides share in a round, such as other work, cancels out. */
const ratioOf = ({ rounds }: Measured, { field, peerField }: Figure): number | undefined => {
  const ratios = rounds.flatMap(({ ours, peer }) => {
    const [a, b] = [figureOf(ours, field), figureOf(peer, peerField ?? field)]
    return a === undefined || b === undefined || b === 0 ? [] : [a / b]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

const targetOf = (measured: Measured, { field, target }: Figure, ratio: number | undefined): string => {
  if (target === undefined) return ""
  const found = measured.rounds.map(({ ours }) => figureOf(ours, field)).filter((n) => n !== undefined)
  const [text, value, met] =
    "ratio" in target
      ? [`${target.ratio} times`, ratio, (ratio ?? 0) >= target.ratio]
      : "atLeast" in target
        ? [`at least ${target.atLeast}`, found[0], median(found) >= target.atLeast]
        : [`at most ${target.atMost}`, found[0], median(found) <= target.atMost]
  return `${text}: ${value === undefined ? "not measured" : met ? "met" : "missed"}`
}

const rowOf = (measured: Measured, wanted: Figure): string => {
  const { comparison, rounds } = measured
  const { ours, peer } = comparison
  const ratio = ratioOf(measured, wanted)
  const theirs =
    peer === undefined
      ? ""
      : cellOf(
          peer.label,
          rounds.map((round) => round.peer),
          wanted.peerField ?? wanted.field,
          wanted.unit
        )
  const mine = cellOf(
    ours.label,
    rounds.map((round) => round.ours),
    wanted.field,
    wanted.unit
  )
  return `| ${cell(wanted.name)} | ${mine} | ${theirs} | ${ratio?.toFixed(2) ?? ""} | ${targetOf(measured, wanted, ratio)} |`
}

/** A dated section for `RESULTS.md`, in Markdown: the machine, a row for each figure, and the commands. */
export const sectionOf = (at: Circumstances, all: ReadonlyArray<Measured>): string =>
  [
    `## ${at.when}: \`${at.command}\``,
    "",
    `${at.processor}, ${at.cores} processors, load before ${at.load.toFixed(1)}; Node ${at.node}. ` +
      `${at.rounds} ${at.rounds === 1 ? "round" : "rounds"}, ours and theirs in turn, each alone in its process; ` +
      "medians (each round), and the median of the rounds' ratios.",
    "",
    "| work | ours | against | ratio | target |",
    "| --- | --- | --- | --- | --- |",
    ...all.flatMap((measured) => measured.comparison.figures.map((wanted) => rowOf(measured, wanted))),
    "",
    ...all.map(
      ({ commands }) => `- \`${commands.ours}\`${commands.peer === undefined ? "" : `, \`${commands.peer}\``}`
    ),
    ""
  ].join("\n")

/** Whether something of ours could not be measured. */
export const hasFailed = (all: ReadonlyArray<Measured>): boolean =>
  all.some(({ rounds }) => rounds.some(({ ours }) => "missing" in ours))
