import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { backendFolder, readInstalled } from "../../../../src/layers/backend/BackendFolder.ts"
import { kernelsName } from "../../../../src/layers/engines/tensorflow/kernelsName.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"

const installed = readInstalled(backendFolder())
const isThere = installed !== undefined && existsSync(join(installed.folder, kernelsName()))

const source = (name: string) => JSON.stringify(new URL(`../../../../src/${name}`, import.meta.url).href)

/**
 * A script that computes thousands of products of narrow matrices while signals arrive. oneDNN's stack pointer is in the
 * heap meanwhile: a handler that ran there would end the process. `arrive` is the part that makes signals arrive.
 */
const multiply = (arrive: string) => `
  import { Worker } from "node:worker_threads"
  import * as tf from "@tensorflow/tfjs-core"
  import { openBackend } from ${source("layers/engines/tensorflow/openBackend.ts")}
  import { matMul } from ${source("layers/engines/tensorflow/products.ts")}
  import { deviceConfig } from ${source("layers/engines/tensorflow/deviceConfig.ts")}
  const { run } = openBackend(process.argv[1], deviceConfig({ device: "cpu", memoryGrowth: true }), false)
  await tf.setBackend("tensorflow")
  const x = tf.ones([2, 512])
  const y = tf.ones([512, 256])
  let handled = 0
  ${arrive}
  for (let i = 0; i < 20000; i++) {
    const product = matMul(run, x, y)
    if (i % 1000 === 0) {
      const numbers = product.dataSync()
      if (numbers.some((number) => number !== 512)) throw new Error("another product")
      await new Promise((next) => setImmediate(next))
    }
    product.dispose()
  }
  console.log(handled > 0 ? "handled" : "none came")
  process.exit()
`

/** One every 0.2 ms, from another thread. */
const fromOutside = `
  process.on("SIGWINCH", () => { handled++ })
  const sender = new Worker(
    "const never = new Int32Array(new SharedArrayBuffer(4)); " +
      "for (;;) { process.kill(process.pid, 'SIGWINCH'); Atomics.wait(never, 0, 0, 0.2) }",
    { eval: true }
  )
  await new Promise((online) => sender.once("online", online))
`

const ends = (flags: ReadonlyArray<string>, arrive: string) =>
  Effect.sync(() => {
    const script = ["--input-type=module", "--eval", multiply(arrive), installed?.folder ?? ""]
    const child = spawnSync(process.execPath, [...flags, ...script], { encoding: "utf8" })
    assert.strictEqual(child.signal, null, child.stderr)
    assert.strictEqual(child.status, 0, child.stderr)
    return child.stdout.trim()
  })

describe.skipIf(!isThere)("Signals while TensorFlow computes", () => {
  it.effect("reach Node's handler and overwrite nothing", () =>
    Effect.map(ends([], fromOutside), (output) => assert.strictEqual(output, "handled"))
  )

  it.effect("of a profiler overwrite nothing", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* ends(["--cpu-prof", "--cpu-prof-interval=100", `--cpu-prof-dir=${folder}`], "")
      assert.lengthOf(readdirSync(folder), 1)
    })
  )
})
