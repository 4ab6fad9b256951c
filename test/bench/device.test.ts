import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { comparisonsOf } from "../../bench/device/comparisons.ts"
import { runSteps } from "../../bench/device/runSteps.ts"
import type { Step } from "../../bench/device/Step.ts"
import { rehearsal, stepsOf, whole } from "../../bench/device/Step.ts"
import { findDrivers } from "../../bench/device/vulkan.ts"
import { DataConfig } from "../../src/pipeline/DataConfig.ts"
import { temporaryFolder } from "../temporaryFolder.ts"

const step = (name: string, script: string, more: Partial<Step> = {}): Step => ({
  name,
  program: "node",
  args: ["-e", script],
  limitSeconds: 60,
  reserveSeconds: 0,
  needsAdapter: false,
  ...more
})

describe("the bench of a graphics card", () => {
  it.live("goes on after a step that fails, hangs or has no card, and keeps each line that was printed", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const records = yield* runSteps(
        [
          step("fails", `console.log('{"a":1}'); console.error("no luck"); process.exit(3)`),
          // Its child would outlive it, and keep the pipe open.
          step(
            "hangs",
            `console.log('{"b":2}');
             require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"], { stdio: "inherit" });
             setInterval(() => {}, 1e6)`,
            { limitSeconds: 2 }
          ),
          step("needs a card", "", { needsAdapter: true }),
          step("is done", `console.log('no JSON'); process.stdout.write('{"c":3}')`)
        ],
        {
          cwd: process.cwd(),
          env: process.env,
          programs: { node: process.execPath, python: "python3" },
          seconds: 600,
          adapter: false,
          onProgress: (steps) => seen.push(steps.flatMap(({ lines }) => lines).length)
        }
      )
      assert.deepStrictEqual(
        records.map(({ lines, name, outcome }) => [name, outcome, lines]),
        [
          ["fails", "failed", [{ a: 1 }]],
          ["hangs", "out of time", [{ b: 2 }]],
          ["needs a card", "left out", []],
          ["is done", "done", [{ c: 3 }]]
        ]
      )
      assert.include(records[0]?.why ?? "", "no luck")
      assert.deepStrictEqual([...new Set(seen)], [0, 1, 2, 3])
    })
  )

  it("has time for all of its steps within ten minutes, as a rehearsal has the same steps", () => {
    const steps = stepsOf(whole(16))
    assert.isBelow(
      steps.reduce((sum, { reserveSeconds }) => sum + reserveSeconds, 0),
      9 * 60
    )
    // However many batch sizes each has.
    const named = (all: ReadonlyArray<Step>) => [...new Set(all.map(({ name }) => name.replace(/\d+$/, "N")))]
    assert.deepStrictEqual(named(stepsOf(rehearsal)), named(steps))
  })

  it("asks for epochs that a configuration takes, of a catalogue that can be drawn", () => {
    for (const { images, minPerClass, photos } of [rehearsal, whole(16)])
      Schema.decodeUnknownSync(DataConfig)({
        sample: { images: photos },
        columns: { label: "articleType" },
        minPerClass,
        ...(images !== 0 && { limit: images })
      })
  })

  it("sets ours beside PyTorch's, by network and batch", () => {
    const line = (fields: Readonly<Record<string, unknown>>) => ({
      name: "training step: x",
      command: "",
      limitSeconds: 1,
      outcome: "done" as const,
      lines: [fields]
    })
    assert.deepStrictEqual(
      comparisonsOf([
        line({ engine: "webgpu", network: "mobilenet-v2", batch: 32, trainImagesPerSecond: 50 }),
        line({ peer: "PyTorch", network: "mobilenet_v2", batch: 32, tf32: false, trainImagesPerSecond: 100 }),
        line({ peer: "PyTorch", network: "mobilenet_v2", batch: 64, tf32: true, trainImagesPerSecond: 1 })
      ]),
      [
        {
          network: "mobilenet-v2",
          batch: 32,
          ours: 50,
          pytorch: 100,
          pytorchTf32: undefined,
          ratio: 0.5,
          ratioToTf32: undefined
        }
      ]
    )
  })

  it.effect(
    "tries the driver that is asked for, NVIDIA's description, one of its library, and what the loader finds",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const [drivers, libraries] = [join(folder, "icd.d"), join(folder, "lib")]
        for (const one of [drivers, libraries]) mkdirSync(one)
        for (const file of [
          join(drivers, "nvidia_icd.json"),
          join(drivers, "radeon_icd.json"),
          join(libraries, "libGLX_nvidia.so.0")
        ])
          writeFileSync(file, "{}")
        const { candidates, lookedAt } = findDrivers("carried", folder, "asked.json", {
          drivers: [drivers, join(folder, "none")],
          libraries: [libraries]
        })
        assert.deepStrictEqual(
          candidates.slice(0, 4).map(({ env }) => [env["VK_DRIVER_FILES"], env["LD_LIBRARY_PATH"]]),
          ["asked.json", join(drivers, "nvidia_icd.json"), join(folder, "libGLX_nvidia.so.0.json"), undefined].map(
            (file) => [file, `carried:${libraries}`]
          )
        )
        assert.strictEqual(candidates[4]?.env["LD_LIBRARY_PATH"], `carried:${libraries}:carried/screen`)
        assert.deepStrictEqual(
          lookedAt.map(({ found }) => found),
          [["nvidia_icd.json"], false, ["libGLX_nvidia.so.0"]]
        )
      })
  )
})
