import { NodeServices } from "@effect/platform-node"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { readConfig, readRunConfig } from "../../src/cli/readConfig.ts"
import { readSearchConfig } from "../../src/cli/readSearchConfig.ts"
import { configKeys } from "../../src/config/configKeys.ts"
import { pathKeys } from "../../src/config/pathKeys.ts"
import { RunConfig } from "../../src/config/RunConfig.ts"

const folder = mkdtempSync(join(tmpdir(), "weft-paths-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const write = (name: string, text: string) => {
  const file = join(folder, name)
  mkdirSync(resolve(file, ".."), { recursive: true })
  writeFileSync(file, text)
  return file
}

const run = `[data]
root = "../photos"
allow = ["more", "/data/shop"]
[network]
name = "mobilenet-v2"
weights = "w.safetensors"
`

describe("paths in a configuration", () => {
  it("are keys that there are", () => {
    const keys = configKeys(RunConfig).map(({ path }) => path)
    // One that is also a table has no keys of its own in the list.
    for (const key of pathKeys) assert.isTrue(keys.includes(key) || keys.some((one) => key.startsWith(`${one}.`)), key)
  })

  it.effect("are relative to the file, and on the command line to the working directory", () =>
    Effect.gen(function* () {
      const file = write("configs/run.toml", run)
      const { data, network } = yield* readConfig(file, [])
      assert.strictEqual(data.root, join(folder, "photos"))
      assert.deepStrictEqual(data.allow, [join(folder, "configs/more"), "/data/shop"])
      assert.strictEqual(network.weights, join(folder, "configs/w.safetensors"))
      const set = yield* readConfig(file, ["data.root=photos", 'data.allow=["more"]', "network.weights=w"])
      assert.strictEqual(set.data.root, resolve("photos"))
      assert.deepStrictEqual(set.data.allow, [resolve("more")])
      assert.strictEqual(set.network.weights, resolve("w"))
      const section = yield* readConfig(file, ['network={"name": "mobilenet-v2", "weights": "w"}'])
      assert.strictEqual(section.network.weights, resolve("w"))
      const teacherBy = (set: string) => Effect.map(readConfig(file, [set]), ({ train }) => train.teacher)
      assert.strictEqual(yield* teacherBy("train.teacher=runs/a"), resolve("runs/a"))
      assert.deepStrictEqual(yield* teacherBy('train.teacher=["runs/a","hf:OWNER/NAME/a.onnx"]'), [
        resolve("runs/a"),
        "hf:OWNER/NAME/a.onnx"
      ])
      assert.deepStrictEqual(yield* teacherBy('train.teacher={"from":"runs/a"}'), {
        from: resolve("runs/a"),
        temperature: 4,
        weight: 0.5
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("a hub's name and an address are no paths; $schema is nothing to a run", () =>
    Effect.gen(function* () {
      const file = write(
        "run.json",
        JSON.stringify({
          $schema: "run.schema.json",
          data: { root: "." },
          network: { name: "mobilenet-v2", weights: "hf:timm/mobilenetv2_100.ra_in1k" }
        })
      )
      const { data, network } = yield* readConfig(file, [])
      assert.strictEqual(data.root, folder)
      assert.strictEqual(network.weights, "hf:timm/mobilenetv2_100.ra_in1k")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("of a search are relative to its file too, those of its axes among them", () =>
    Effect.gen(function* () {
      const file = write(
        "searches/search.toml",
        `[base.data]
root = "../photos"
[[axes]]
path = "network"
values = [{ name = "mobilenet-v2", weights = "a.safetensors" }, { name = "vgg16", weights = "hf:timm/vgg16.tv_in1k" }]
[[axes]]
path = "network.weights"
values = ["b.safetensors"]
[[axes]]
path = "train.epochs"
values = [1, 2]
`
      )
      const { search } = yield* readSearchConfig(file, [])
      assert.deepStrictEqual(search.base["data"], { root: join(folder, "photos") })
      assert.deepStrictEqual(
        search.axes.map(({ values }) => values),
        [
          [
            { name: "mobilenet-v2", weights: join(folder, "searches/a.safetensors") },
            { name: "vgg16", weights: "hf:timm/vgg16.tv_in1k" }
          ],
          [join(folder, "searches/b.safetensors")],
          [1, 2]
        ]
      )
      const set = yield* readSearchConfig(file, ["base.data.root=photos", "base.network.weights=w"])
      assert.deepStrictEqual(set.search.base["data"], { root: resolve("photos") })
      assert.deepStrictEqual(set.search.base["network"], { weights: resolve("w") })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("of a run that has begun are as they are: those of Weft 0.1 were meant from the working directory", () =>
    Effect.gen(function* () {
      write("runs/old/config.json", JSON.stringify({ data: { root: "photos" } }))
      const { data } = yield* readRunConfig(join(folder, "runs/old"))
      assert.strictEqual(data.root, "photos")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
