import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { commands } from "../../src/cli/weft.ts"
import manifest from "../../package.json" with { type: "json" }

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const readme = readFileSync(at("README.md"), "utf8")
/** The script of a command: `pipeline:train`. What installs the backend is no stage of a pipeline. */
const scriptOf = (name: string) => (name === "backend-install" ? "backend:install" : `pipeline:${name}`)
const names = commands.map(({ name }): string => name)
const scripts = names.map(scriptOf)

describe("the list of commands", () => {
  it("has each command once, with a description", () => {
    assert.strictEqual(new Set(names).size, names.length)
    for (const { description, name } of commands) assert.isNotEmpty(description ?? "", name)
  })

  it("is what package.json has scripts for", () => {
    const ofCommands = Object.entries(manifest.scripts).filter(([, line]) => line.startsWith("node src/bin.ts"))
    assert.sameDeepMembers(
      ofCommands,
      names.map((name) => [scriptOf(name), `node src/bin.ts ${name}`])
    )
  })

  it("is what the README and the commands' own examples name", () => {
    const inText = (text: string) => [...text.matchAll(/\b(?:pipeline|backend):[a-z-]+/g)].map(([script]) => script)
    assert.sameMembers([...new Set(inText(readme))], scripts)
    const examples = commands.flatMap(({ examples }) => examples.map(({ command }) => command))
    assert.isNotEmpty(examples)
    for (const example of examples)
      assert.isTrue(
        inText(example).every((script) => scripts.includes(script)),
        example
      )
  })

  it("needs no other file to run: the scripts' file is there", () => assert.isTrue(existsSync(at("src/bin.ts"))))
})
