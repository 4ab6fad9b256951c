import { weftCommand } from "../config/weftCommand.ts"
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { runJsonSchema, searchJsonSchema } from "../run/search/jsonSchemas.ts"

/** Prints the JSON Schema of configurations. */
export const schema = Command.make(
  "schema",
  {
    kind: Argument.Literals("kind", ["run", "search"]).pipe(
      Argument.withDescription("run: of what `train` reads; search: of what `search` reads; run where left out"),
      Argument.withDefault("run")
    )
  },
  Effect.fnUntraced(function* ({ kind }) {
    yield* Console.log(JSON.stringify(kind === "run" ? runJsonSchema() : searchJsonSchema(), null, 2))
  })
).pipe(
  Command.withDescription(
    "Prints the JSON Schema of configuration files, by which editors complete keys and mark mistakes"
  ),
  Command.withExamples([
    {
      command: weftCommand("schema > run.schema.json"),
      description: "For #:schema run.schema.json in a TOML file"
    },
    { command: weftCommand("schema search"), description: "Of a search" }
  ])
)
