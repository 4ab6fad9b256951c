import { assert, describe, it } from "@effect/vitest"
import { backendFolder, readInstalled } from "../../../src/layers/backend/BackendFolder.ts"
import { nodeOf, runWith } from "./majorVersion.ts"

/** The oldest Node that Effect takes, the one that comes with Weft, and the newest major version. */
const versions = ["22.19.0", process.versions.node, "26.10.0"]

const hasTensorflow = readInstalled(backendFolder()) !== undefined

interface Figures {
  readonly losses: ReadonlyArray<number>
  readonly logits: ReadonlyArray<number>
}

interface Answer {
  readonly node: string
  readonly hadOldFunctions: boolean
  readonly trained: Readonly<Record<string, Figures>>
}

const ask = async (node: string, engine: string) => JSON.parse(await runWith(node, "trainTiny.ts", [engine])) as Answer // as the program prints it

describe("the engines on other versions of Node", () => {
  for (const version of versions) {
    const node = nodeOf(version)
    for (const [engine, lacking] of [
      ["wasm", undefined],
      ["tensorflow", hasTensorflow ? undefined : "its backend is not installed (pnpm backend:install)"]
    ] as const) {
      const missing = "missing" in node ? node.missing : lacking
      const why = missing === undefined ? "" : `: ${missing}`
      const title = `${engine} trains on Node ${version}, with the numbers of the one that comes with Weft${why}`
      it.skipIf(missing !== undefined)(title, async () => {
        const answer = await ask("path" in node ? node.path : "", engine)
        assert.strictEqual(answer.node, version)
        // Node 23 took away what TensorFlow.js's package still calls.
        assert.strictEqual(answer.hadOldFunctions, Number(version.split(".")[0]) < 23)
        assert.deepStrictEqual(Object.keys(answer.trained), [engine])
        for (const { logits, losses } of Object.values(answer.trained)) {
          assert.isBelow(losses[2]!, losses[0]!)
          assert.isTrue(logits.every(Number.isFinite))
        }
        assert.deepStrictEqual(answer.trained, (await ask(process.execPath, engine)).trained)
      })
    }
  }
})
