import { assert, it } from "@effect/vitest"
import { deviceConfig } from "../../../../src/layers/engines/tensorflow/deviceConfig.ts"

// What TensorFlow 2.21 makes of the same settings: tf.compat.v1.ConfigProto(...).SerializeToString().hex()
it.each([
  ["the processor alone", { device: "cpu", memoryGrowth: true }, "0a070a034750551000"],
  ["any GPU, memory as it is needed", { device: "auto", memoryGrowth: true }, "32022001"],
  ["the second GPU", { device: "gpu:1", memoryGrowth: true }, "320520012a0131"],
  [
    "a GPU of two digits with a limit",
    { device: "gpu:12", memoryGrowth: true, memoryLimit: 4096 },
    "321020012a0231324a080a060a0400008045"
  ],
  ["a limit alone", { device: "gpu", memoryGrowth: false, memoryLimit: 200_000 }, "320a4a080a060a0400504348"],
  ["nothing", { device: "gpu", memoryGrowth: false }, "3200"]
])("%s is the message that TensorFlow writes", (_name, settings, hex) => {
  assert.strictEqual(deviceConfig(settings), hex)
})
