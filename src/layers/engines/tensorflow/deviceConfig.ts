import type { EngineConfig } from "../../../model/EngineConfig.ts"

/** A whole number in base 128, the lowest part first. */
const varint = (value: number): ReadonlyArray<number> =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]

const tagged = (field: number, wire: number, bytes: ReadonlyArray<number>) => [...varint(field * 8 + wire), ...bytes]
const whole = (field: number, value: number) => tagged(field, 0, varint(value))
const message = (field: number, bytes: ReadonlyArray<number>) => tagged(field, 2, [...varint(bytes.length), ...bytes])
const text = (field: number, value: string) => message(field, [...new TextEncoder().encode(value)])
const float = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)]

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
  const gpu = [
    ...(memoryGrowth ? whole(4, 1) : []),
    ...(index === undefined ? [] : text(5, `${index}`)),
    ...(memoryLimit === undefined ? [] : message(9, message(1, message(1, float(memoryLimit)))))
  ]
  const none = message(1, [...text(1, "GPU"), ...whole(2, 0)])
  return Buffer.from(device === "cpu" ? none : message(6, gpu)).toString("hex")
}
