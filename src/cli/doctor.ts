import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { Engines } from "../model/Engines.ts"
import { Features, FeaturesName } from "../model/Features.ts"
import { simpleCnn } from "../model/networks/simpleCnn.ts"
import { Machine } from "../run/Machine.ts"
import * as options from "./options.ts"

/** An engine for frozen features: its version, or why it does not run here. */
const features = Effect.forEach(FeaturesName.literals, (name) =>
  Features.use(({ open }) => open({ blocks: [], input: [1, 1, 3], weights: new Map() }, name)).pipe(
    Effect.scoped,
    Effect.match({
      onSuccess: ({ key }) => ({ name, available: true as const, key }),
      onFailure: ({ detail }) => ({ name, available: false as const, detail })
    })
  )
)

/** Reports what this machine has: Node, packages, and which engines run, or why not and what to do. */
export const doctor = Command.make(
  "doctor",
  { json: options.json },
  Effect.fnUntraced(function* ({ json }) {
    const machine = yield* Machine
    const engines = yield* Engines.use((engines) =>
      engines.survey(simpleCnn.build({ height: 48, width: 48, classes: 2 }))
    )
    const appliers = yield* features
    if (json) return yield* Console.log(JSON.stringify({ machine, engines, features: appliers }, null, 2))
    yield* Console.log(
      [
        `Machine   ${machine.platform}, ${machine.arch}, ${machine.cpus} processors, ${(machine.memory / 2 ** 30).toFixed(1)} GiB`,
        `Versions  ${Object.entries(machine.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", ")}`,
        ...engines.map((engine) =>
          engine.available
            ? `Engine    ${engine.name.padEnd(11)} available: ${engine.info.device}`
            : `Engine    ${engine.name.padEnd(11)} not available: ${engine.reason}. ${engine.cure}`
        ),
        ...appliers.map((found) =>
          found.available
            ? `Features  ${found.name.padEnd(11)} available: ${found.key}`
            : `Features  ${found.name.padEnd(11)} not available: ${found.detail}`
        ),
        `\nengine.name = "auto" takes the first that is available, reference aside; features.engine = "auto" does the same for frozen blocks.`
      ].join("\n")
    )
  })
).pipe(Command.withDescription("Shows what this machine has, and which engines run here or why not"))
