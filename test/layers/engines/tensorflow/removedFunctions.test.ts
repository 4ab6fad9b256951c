import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { createRequire } from "node:module"
import { defineRemovedFunctions } from "../../../../src/layers/engines/tensorflow/removedFunctions.ts"

const util = createRequire(import.meta.url)("node:util") as Record<string, ((value: unknown) => boolean) | undefined>

it("Node's old functions are there again, and say what they said", () => {
  const before = { ...util }
  defineRemovedFunctions()
  assert.deepStrictEqual(
    [null, undefined, 0, ""].map((value) => util["isNullOrUndefined"]?.(value)),
    [true, true, false, false]
  )
  assert.deepStrictEqual(
    [[], {}, "a"].map((value) => util["isArray"]?.(value)),
    [true, false, false]
  )
  for (const name of ["isString", "isNumber", "isBoolean", "isFunction", "isObject", "isNull", "isUndefined"])
    assert.strictEqual(typeof util[name], "function", name)
  // What this Node still has is its own.
  for (const [name, value] of Object.entries(before)) assert.strictEqual(util[name], value, name)
})

it("what was there before stays, in a process where Node has them", () => {
  const file = new URL("../../../../src/layers/engines/tensorflow/removedFunctions.ts", import.meta.url).pathname
  const script = `
    const util = require("node:util"); const own = () => true
    Object.defineProperty(util, "isArray", { value: own, configurable: true })
    import(${JSON.stringify(file)}).then(({ defineRemovedFunctions }) => {
      defineRemovedFunctions()
      console.log(util.isArray === own, util.isNullOrUndefined(null))
    })`
  const output = execFileSync(process.execPath, ["--disable-warning=DEP0060", "-e", script], { encoding: "utf8" })
  assert.strictEqual(output.trim(), "true true")
})
