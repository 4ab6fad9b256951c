import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { HelpDoc } from "effect/cli"
import { CliOutput } from "effect/cli"
import { commands } from "../../src/cli/weft.ts"
import { wrappedHelp } from "../../src/cli/wrappedHelp.ts"
import { helpOf } from "../docs/reference.ts"

const { formatHelpDoc } = CliOutput.defaultFormatter({ colors: false })

/** The help's words without its examples, whose commands stay whole, to be copied. */
const shown = (help: HelpDoc.HelpDoc, terminal: number | undefined) =>
  formatHelpDoc(wrappedHelp({ ...help, examples: [] }, terminal))

const words = (text: string) => text.split(/\s+/)

describe("the help of every command", () => {
  it.effect("fits into a terminal's lines, 80 columns where there is none, and loses no word", () =>
    Effect.gen(function* () {
      for (const { name } of commands) {
        const help = yield* helpOf(name)
        const whole = formatHelpDoc({ ...help, examples: [], globalFlags: [] })
        for (const [terminal, most] of [
          [undefined, 80],
          [90, 90],
          [300, 100]
        ] as const) {
          const text = shown(help, terminal)
          for (const line of text.split("\n")) assert.isAtMost(line.length, most, `${name}: ${line}`)
          assert.deepStrictEqual(words(shown({ ...help, globalFlags: [] }, terminal)), words(whole), name)
        }
      }
    })
  )

  it.effect("names the choices of Effect's own flags once", () =>
    Effect.gen(function* () {
      const text = shown(yield* helpOf("train"), undefined)
      assert.match(text, /--completions choice {4}Print shell completion script \(choices: bash, zsh,\n {26}fish/)
    })
  )
})
