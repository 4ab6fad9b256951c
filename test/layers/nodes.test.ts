import { assert, describe, it } from "@effect/vitest"
import { backendFolder, readInstalled } from "../../src/layers/tensorflow/BackendFolder.ts"
import { nodeOf, runWith } from "./nodes/majorVersion.ts"

/** The oldest Node that Effect takes, the one that comes with Weft, and the newest major version. */
const versions = ["22.19.0", process.versions.node, "26.10.0"]

const hasTensorflow = readInstalled(backendFolder()) !== undefined
const engines = hasTensorflow ? ["wasm", "tensorflow"] : ["wasm"]

interface Figures {
  readonly losses: ReadonlyArray<number>
  readonly logits: ReadonlyArray<number>
}

interface Answer {
  readonly node: string
  readonly hadOldFunctions: boolean
  readonly trained: Readonly<Record<string, Figures>>
}

const ask = async (node: string) => JSON.parse(await runWith(node, "trainTiny.ts", engines)) as Answer // as the program prints it

describe("the engines on other versions of Node", () => {
  const own = ask(process.execPath)
  for (const version of versions) {
    const node = nodeOf(version)
    if ("missing" in node) {
      console.warn(`Node ${version} is not tried: ${node.missing}`)
      it.skip(`${version}: ${node.missing}`, () => {})
      continue
    }
    it(`${engines.join(" and ")} train on Node ${version}, with the figures of the one that comes with Weft`, async () => {
      const answer = await ask(node.path)
      assert.strictEqual(answer.node, version)
      // Node 23 took away what TensorFlow.js's package still calls.
      assert.strictEqual(answer.hadOldFunctions, Number(version.split(".")[0]) < 23)
      assert.deepStrictEqual(Object.keys(answer.trained), engines)
      for (const { logits, losses } of Object.values(answer.trained)) {
        assert.isBelow(losses[2]!, losses[0]!)
        assert.isTrue(logits.every(Number.isFinite))
      }
      assert.deepStrictEqual(answer.trained, (await own).trained)
    })
  }

  if (!hasTensorflow) it.skip("tensorflow: its backend is not installed (pnpm backend:install)", () => {})
})
