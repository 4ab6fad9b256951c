import { Effect } from "effect"
import { Command } from "effect/cli"

/** A command of the list: its line of the help, and its file, which is loaded only where the command is named. */
const listed = <const Name extends string, Input, Context, E, R>(
  name: Name,
  about: string,
  load: () => Promise<Command.Command<Name, Input, Context, E, R>>
) => ({
  name,
  line: Command.make(name).pipe(Command.withDescription(about)),
  loaded: Effect.map(Effect.promise(load), Command.withShortDescription(about))
})

/**
 * Every command, in the order of the help: a new one is a file, a line here, and a script `pipeline:NAME` in package.json
 * (`npx pnpm docs:reference` writes its part of the reference).
 */
export const commands = [
  listed("train", "Trains a network on a catalogue", async () => (await import("./train.ts")).train),
  listed("init", "Writes a configuration for a catalogue", async () => (await import("./init.ts")).init),
  listed(
    "baseline",
    "Measures what a network's features are good for",
    async () => (await import("./baseline.ts")).baseline
  ),
  listed("search", "Trains a network at many settings", async () => (await import("./search.ts")).search),
  listed(
    "worker",
    "Takes part in a cluster's searches and predictions",
    async () => (await import("./worker.ts")).worker
  ),
  listed("evaluate", "Measures a run's model again", async () => (await import("./evaluate.ts")).evaluate),
  listed("predict", "Says what is on photos", async () => (await import("./predict.ts")).predict),
  listed(
    "similar",
    "Shows the training photos that are like a photo",
    async () => (await import("./similar.ts")).similar
  ),
  listed("serve", "Serves a run's model, with a tagging desk", async () => (await import("./serve.ts")).serve),
  listed("report", "Makes a run's page again, or compares runs", async () => (await import("./report.ts")).report),
  listed("verify", "Checks that a run is what it says", async () => (await import("./verify.ts")).verify),
  listed("export", "Writes a run's model for other programs", async () => (await import("./exportRun.ts")).exportRun),
  listed("lr-find", "Suggests a learning rate", async () => (await import("./lrFind.ts")).lrFind),
  listed("inspect", "Says what a catalogue holds", async () => (await import("./inspect.ts")).inspect),
  listed("schema", "Prints the JSON Schema of configurations", async () => (await import("./schema.ts")).schema),
  listed("doctor", "Says what runs on this machine", async () => (await import("./doctor.ts")).doctor),
  listed(
    "backend-install",
    "Provides TensorFlow's libraries for the engine `tensorflow`",
    async () => (await import("./backendInstall.ts")).backendInstall
  )
] as const

type Listed = (typeof commands)[number]
type Loaded = Effect.Success<Listed["loaded"]>

/** The services that the commands need together: the stages of a run. */
export type Needed = Command.Services<Loaded>

/** Global flags that need every command with all its flags. */
const needAll = /^--(?:completions|wizard)\b/

/**
 * The command line: `weft train`, `weft evaluate` and the others. A command that `args` does not name stands in the help by
 * its line alone: loading them all takes three times as long as the help itself.
 */
export const weft = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const all = args.some((arg) => needAll.test(arg))
  const subcommands = yield* Effect.forEach(
    commands,
    ({ line, loaded, name }): Effect.Effect<Loaded | Listed["line"]> =>
      all || args.includes(name) ? loaded : Effect.succeed(line)
  )
  return Command.make("weft").pipe(
    Command.withDescription("Typed training pipelines for image classifiers"),
    Command.withSubcommands(subcommands)
  )
})
