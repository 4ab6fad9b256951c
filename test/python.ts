import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { resolve } from "node:path"

/** The Pythons that a test may use: the peers' and Keras' of the benches, named or at their usual places. */
const pythons = [
  process.env["WEFT_PEERS_PYTHON"],
  process.env["WEFT_KERAS_PYTHON"],
  ".peers/bin/python",
  ".keras/bin/python"
].flatMap((program) => (program !== undefined && existsSync(program) ? [resolve(program)] : []))

/** A Python that has all of these modules; undefined where there is none, and then a test skips. */
export const pythonWith = (...modules: ReadonlyArray<string>): string | undefined =>
  pythons.find((program) => {
    const find = "import sys, importlib.util as u; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))"
    try {
      execFileSync(program, ["-c", find, ...modules], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })
