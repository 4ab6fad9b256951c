import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import type { InstalledBackend } from "../../../../src/layers/backend/BackendFolder.ts"
import { gpuText, listGpus, whyNoGpu } from "../../../../src/layers/engines/tensorflow/gpus.ts"
import { temporaryFolder } from "../../../temporaryFolder.ts"
import { withEnvironment } from "../../backend/environment.ts"

const gpu: InstalledBackend = { version: "2.21.0", variant: "gpu", source: "pip" }

/** A stand-in for NVIDIA's tool that prints lines, or ends as given. */
const withTool = Effect.fnUntraced(function* (body: string) {
  const folder = yield* temporaryFolder
  const tool = join(folder, "nvidia-smi")
  writeFileSync(tool, `#!/bin/sh\n${body}\n`)
  chmodSync(tool, 0o755)
  yield* withEnvironment({ PATH: `${folder}${delimiter}${process.env["PATH"]}` })
})

it.live("GPUs are named with memory and driver, as NVIDIA's tool has them", () =>
  Effect.gen(function* () {
    yield* withTool(`echo "0, NVIDIA H200, 143771, 570.86.10"; echo "1, NVIDIA RTX A2000, 6138, 570.86.10"`)
    const gpus = yield* listGpus
    assert.deepStrictEqual(gpus.map(gpuText), [
      "GPU 0, NVIDIA H200, 140 GiB, driver 570.86.10",
      "GPU 1, NVIDIA RTX A2000, 6 GiB, driver 570.86.10"
    ])
    const { cure, reason } = whyNoGpu(gpu, gpus)
    assert.include(reason, "NVIDIA H200")
    assert.include(cure, "TF_CPP_MIN_LOG_LEVEL=0")
  })
)

it.live("a tool that fails, and one that is not there, name no GPU", () =>
  Effect.gen(function* () {
    yield* withTool(`echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver"; exit 9`)
    assert.deepStrictEqual(yield* listGpus, [])
    yield* withEnvironment({ PATH: yield* temporaryFolder })
    assert.deepStrictEqual(yield* listGpus, [])
  })
)

it.live("the reason for no GPU is the first that explains it", () =>
  Effect.gen(function* () {
    const one = { index: 0, name: "NVIDIA L4", memory: 23_034, driver: "550.1" }
    yield* withEnvironment({ CUDA_VISIBLE_DEVICES: "-1" })
    const processor = whyNoGpu({ ...gpu, variant: "cpu" }, [one])
    assert.include(processor.reason, "built for processors alone")
    assert.include(processor.cure, "backend:install --gpu")
    assert.include(whyNoGpu(gpu, []).reason, "driver")
    assert.include(whyNoGpu(gpu, [one]).reason, `CUDA_VISIBLE_DEVICES ("-1")`)
    yield* withEnvironment({ CUDA_VISIBLE_DEVICES: "0" })
    assert.include(whyNoGpu(gpu, [one]).reason, "NVIDIA L4")
  })
)
