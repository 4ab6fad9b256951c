import type { EngineConfig } from "../../../model/EngineConfig.ts"
import type { Message } from "../../../model/onnx/protobuf.ts"
import { encode } from "../../../model/onnx/protobuf.ts"

/** A list of one float, as Protocol Buffers pack it. */
const packed = (value: number) => new Uint8Array(Float32Array.of(value).buffer)

/** The number of the GPU that is asked for, or undefined for any. */
const gpuIndex = (device: string): number | undefined => {
  const index = /^gpu:(\d+)$/.exec(device)?.[1]
  return index === undefined ? undefined : Number(index)
}

/**
 * TensorFlow's ConfigProto for the configured device, in hexadecimal.
 *
 * Source: tensorflow/core/protobuf/config.proto, of whose fields it sets ConfigProto.device_count (1) and
 * gpu_options (6), GPUOptions.allow_growth (4), visible_device_list (5) and experimental (9), and in that
 * virtual_devices (1) with memory_limit_mb (1), which is the limit in MiB.
 */
export const deviceConfig = ({
  device,
  memoryGrowth,
  memoryLimit
}: Pick<EngineConfig, "device" | "memoryGrowth" | "memoryLimit">): string => {
  const index = gpuIndex(device)
  const gpu: Message = [
    ...(memoryGrowth ? [[4, 1] as const] : []),
    ...(index === undefined ? [] : [[5, `${index}`] as const]),
    ...(memoryLimit === undefined ? [] : [[9, [[1, [[1, packed(memoryLimit)]]]]] as const])
  ]
  const none: Message = [
    [
      1,
      [
        [1, "GPU"],
        [2, 0]
      ]
    ]
  ]
  return Buffer.from(encode(device === "cpu" ? none : [[6, gpu]])).toString("hex")
}
