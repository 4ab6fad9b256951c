import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

const outputs = fileURLToPath(new URL("../../../src/layers/process/outputs.ts", import.meta.url))

const start = (program: string) =>
  spawn(process.execPath, [
    "--input-type=module",
    "-e",
    `import * as outputs from ${JSON.stringify(outputs)}; ${program}`
  ])

describe("a process's outputs", () => {
  it("are taken as a whole before it ends, however much they are and however late they are read", async () => {
    const child = start(
      'const text = "x".repeat(3_000_000); process.stdout.write(text); process.stderr.write(text); outputs.whenDrained(() => process.exit(3))'
    )
    const lengths = await Promise.all(
      [child.stdout, child.stderr].map(async (stream) => {
        // Nobody reads until the process has filled the pipe.
        await once(stream, "readable")
        let length = 0
        for await (const chunk of stream) length += (chunk as Buffer).length // binary streams
        return length
      })
    )
    assert.deepStrictEqual(lengths, [3_000_000, 3_000_000])
  })

  it.each([
    ["stdout", "Success"],
    ["stderr", "Failure"]
  ] as const)("of which %s is closed end the work", async (name, tag) => {
    const child = start(
      `import { Effect } from "effect"; ` +
        `const writing = Effect.forever(Effect.andThen(Effect.sync(() => process.${name}.write("x".repeat(1000))), Effect.sleep("1 millis"))); ` +
        `const exit = await Effect.runPromiseExit(Effect.raceFirst(writing, outputs.closedOutput)); ` +
        `process.${name}.write("more"); process.exitCode = exit._tag === "Success" ? 10 : 11`
    )
    child[name].once("data", () => child[name].destroy())
    const [code] = await once(child, "exit")
    assert.strictEqual(code, tag === "Success" ? 10 : 11)
  })
})
