/**
 * Measures ours and, where they are installed, the peers' in turn, and adds a dated section to `bench/RESULTS.md`:
 *   pnpm bench [train-step] [backbones] [feed] [epoch] [features] [search] [memory] [--rounds 3] [--only TEXT]
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, DateTime, Effect, FileSystem, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { availableParallelism, cpus, loadavg } from "node:os"
import { makeLargePhotos } from "./largePhotos.ts"
import { measure } from "./measure.ts"
import { hasFailed, sectionOf } from "./section.ts"
import { comparisons, suites } from "./suites.ts"

/** Something of ours did not run to its end; the section says what, and why. */
class NotMeasured extends Schema.TaggedError<NotMeasured>()("NotMeasured", { results: Schema.String }) {
  override get message() {
    return `Not everything could be measured: see the end of ${this.results}.`
  }
}

const flags = {
  suites: Argument.Literals("suite", suites).pipe(
    Argument.variadic(),
    Argument.withDescription("What is measured; everything where left out")
  ),
  rounds: Flag.Int("rounds").pipe(Flag.withDefault(3), Flag.withDescription("How often each side runs")),
  only: Flag.String("only").pipe(
    Flag.withDefault(""),
    Flag.withMetavar("TEXT"),
    Flag.withDescription("Only comparisons whose commands contain this, e.g. wasm")
  ),
  data: Flag.String("data").pipe(
    Flag.withDefault("../shared/datasets/fashion-product-images-small"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("The catalogue: styles.csv and images/")
  ),
  peers: Flag.String("peers").pipe(
    Flag.withDefault("../shared/peers"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("The peers' scripts")
  ),
  large: Flag.String("large").pipe(
    Flag.withDefault(".weft/large-photos"),
    Flag.withMetavar("DIR"),
    Flag.withDescription("Photos of 1200x1600; made out of the catalogue's where there is no such folder")
  ),
  results: Flag.String("results").pipe(
    Flag.withDefault("bench/RESULTS.md"),
    Flag.withMetavar("FILE"),
    Flag.withDescription("The section is added to this file's end")
  )
}

const bench = Command.make(
  "bench",
  flags,
  Effect.fnUntraced(function* ({ data, large, only, peers, results, rounds, suites }) {
    const chosen = comparisons.filter(
      ({ ours, peer, suite }) =>
        (suites.length === 0 || suites.some((one) => one === suite)) &&
        [...ours.args, ...(peer?.args ?? []), peer?.label].join(" ").includes(only)
    )
    if (chosen.some(({ ours }) => ours.args.includes("{large}"))) yield* makeLargePhotos(large, `${data}/images`)
    const now = yield* DateTime.now
    const circumstances = {
      when: DateTime.formatIso(now).slice(0, 16).replace("T", " "),
      processor: cpus()[0]?.model.trim() ?? "unknown processor",
      cores: availableParallelism(),
      load: loadavg()[0] ?? 0,
      node: process.versions.node,
      rounds,
      command: ["pnpm bench", ...suites, ...(only === "" ? [] : [`--only "${only}"`])].join(" ")
    }
    const measured = yield* Effect.forEach(chosen, (comparison) => measure(comparison, { data, large, peers, rounds }))
    const section = sectionOf(circumstances, measured)
    const files = yield* FileSystem.FileSystem
    yield* files.writeFileString(results, `\n${section}`, { flag: "a" })
    yield* Console.log(section)
    if (hasFailed(measured)) return yield* new NotMeasured({ results })
  })
).pipe(Command.withDescription("Measures Weft against its peers, and adds a section to bench/RESULTS.md"))

bench.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
