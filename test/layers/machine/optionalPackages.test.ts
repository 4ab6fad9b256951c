import { assert, describe, it } from "@effect/vitest"
import { bringing, isInstalled, isMissing } from "../../../src/layers/machine/optionalPackages.ts"
import manifest from "../../../package.json" with { type: "json" }

describe("optional packages", () => {
  it("are optional peers of the package, installed here, and come with Weft in one command", () => {
    for (const name of ["@effect/sql-pg", "@tensorflow/tfjs-node-gpu", "onnxruntime-node", "webgpu"] as const) {
      assert.isTrue(manifest.peerDependenciesMeta[name].optional)
      assert.isTrue(isInstalled(name))
      assert.strictEqual(manifest.peerDependencies[name].replace("^", ""), manifest.devDependencies[name])
      const command = `npm install --ignore-scripts weft-ml@${manifest.version} ${name}@${manifest.devDependencies[name]}`
      assert.strictEqual(bringing([name], "project"), command)
    }
    assert.strictEqual(bringing(["webgpu"]), "npx pnpm install")
  })

  it("are missing where no file is found, and not where one does not run", async () => {
    const name: string = "weft-has-no-such-package"
    assert.isTrue(isMissing(await import(name).catch((cause: unknown) => cause)))
    assert.isFalse(isMissing(new Error("libcuda.so.1: cannot open shared object file")))
  })
})
