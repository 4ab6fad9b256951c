import { Console, Effect, Schema } from "effect"
import { existsSync } from "node:fs"
import { runCommand } from "../src/layers/backend/command.ts"
import type { Comparison, Given, Measured, Side } from "./Comparison.ts"

/** Where things are, and how often each side runs. */
export interface MeasureOptions {
  readonly data: string
  readonly large: string
  readonly peers: string
  readonly rounds: number
}

const pythons = {
  torch: { variable: "WEFT_PEERS_PYTHON", usual: ".peers/bin/python" },
  keras: { variable: "WEFT_KERAS_PYTHON", usual: ".keras/bin/python" }
} as const

/** What runs a side, or why nothing does. */
const programOf = (side: Side): { readonly program: string } | { readonly missing: string } => {
  if (side.program === "node") return { program: process.execPath }
  const { usual, variable } = pythons[side.program]
  const program = process.env[variable] ?? usual
  return existsSync(program) ? { program } : { missing: `no Python at ${usual} (or ${variable})` }
}

const argsOf = (side: Side, { data, large, peers }: MeasureOptions) =>
  side.args.map((arg) => arg.replace("{data}", data).replace("{large}", large).replace("{peers}", peers))

/** A command as it is typed: by the usual names, not by where they lie on this machine. */
const typed = (side: Side, options: MeasureOptions) =>
  [side.program === "node" ? "node" : pythons[side.program].usual, ...argsOf(side, options)].join(" ")

const Line = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

/** Runs a side once, in a process of its own: its last line, or the last that it said of what went wrong. */
const give = Effect.fn("bench.give")(function* (side: Side, options: MeasureOptions) {
  const found = programOf(side)
  if ("missing" in found) return found
  const { code, errors, output } = yield* runCommand(found.program, argsOf(side, options))
  const line = output.trim().split("\n").at(-1) ?? ""
  const failed = { missing: `ended with code ${code}: ${errors.trim().split("\n").at(-1) ?? ""}` }
  if (code !== 0) return failed
  return yield* Schema.decodeEffect(Line)(line).pipe(
    Effect.map((line): Given => ({ line })),
    Effect.orElseSucceed((): Given => ({ missing: `printed no JSON line: ${line.slice(0, 80)}` }))
  )
})

/** Runs a comparison's sides in turn, `rounds` times; what is missing once is not tried again. */
export const measure = Effect.fn("bench.measure")(function* (comparison: Comparison, options: MeasureOptions) {
  const { ours, peer } = comparison
  const rounds: Array<Measured["rounds"][number]> = []
  const again = (given: Given | undefined, side: Side) =>
    given !== undefined && "missing" in given ? Effect.succeed(given) : give(side, options)
  for (let i = 0; i < options.rounds; i++) {
    const last = rounds.at(-1)
    const round = {
      ours: yield* again(last?.ours, ours),
      peer: peer === undefined ? undefined : yield* again(last?.peer, peer)
    }
    rounds.push(round)
    yield* Console.error(JSON.stringify({ round: i + 1, of: comparison.figures[0]?.name, ...round }))
  }
  const commands = { ours: typed(ours, options), peer: peer && typed(peer, options) }
  return { comparison, commands, rounds } satisfies Measured
})
