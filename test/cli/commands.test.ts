import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Command } from "effect/cli"
import { commands, weft } from "../../src/cli/weft.ts"
import manifest from "../../package.json" with { type: "json" }

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
/** The script of a command: `pipeline:train`. What installs the backend is no stage of a pipeline. */
const scriptOf = (name: string) => (name === "backend-install" ? "backend:install" : `pipeline:${name}`)
const names = commands.map(({ name }): string => name)
const scripts = names.map(scriptOf)

describe("the list of commands", () => {
  it.effect("has each command once, with a description, under its own name", () =>
    Effect.gen(function* () {
      assert.strictEqual(new Set(names).size, names.length)
      for (const { line, loaded, name } of commands) {
        const command = yield* loaded
        assert.strictEqual(command.name, name)
        assert.isNotEmpty(command.description ?? "", name)
        assert.strictEqual(command.shortDescription, line.description)
      }
    })
  )

  it.effect("loads the commands that a command line names, and no other", () =>
    Effect.gen(function* () {
      const described = (args: ReadonlyArray<string>) =>
        Effect.map(weft(args), ({ subcommands }) =>
          subcommands.flatMap(({ commands }) =>
            commands.filter((one) => one.shortDescription !== undefined).map(({ name }) => name)
          )
        )
      assert.deepStrictEqual(yield* described(["--help"]), [])
      assert.deepStrictEqual(yield* described(["--log-level", "debug", "train", "--set", "name=predict"]), ["train"])
      assert.deepStrictEqual(yield* described(["--completions", "bash"]), names)
    })
  )

  it("is what package.json has scripts for", () => {
    const ofCommands = Object.entries(manifest.scripts).filter(([, line]) => line.startsWith("node src/bin.ts"))
    assert.sameDeepMembers(
      ofCommands,
      names.map((name) => [scriptOf(name), `node src/bin.ts ${name}`])
    )
  })

  it.effect("is what the commands' own examples and the reference name", () =>
    Effect.gen(function* () {
      const inText = (text: string) => [...text.matchAll(/\b(?:pipeline|backend):[a-z-]+/g)].map(([script]) => script)
      const headings = readFileSync(at("docs/reference/commands.md"), "utf8").matchAll(/^## (.+)$/gm)
      assert.deepStrictEqual(
        [...headings].map(([, name]) => name),
        names
      )
      const examples = (yield* Effect.forEach(
        commands,
        ({ loaded }): Effect.Effect<Command.Command.Any> => loaded
      )).flatMap(({ examples }) => examples.map(({ command }) => command))
      assert.isNotEmpty(examples)
      for (const example of examples)
        assert.isTrue(
          inText(example).every((script) => scripts.includes(script)),
          example
        )
    })
  )

  it("needs no other file to run: the scripts' file is there", () => assert.isTrue(existsSync(at("src/bin.ts"))))
})
