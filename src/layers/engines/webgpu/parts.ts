import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu"
import * as tf from "@tensorflow/tfjs-core"
import { columnSums } from "./channelSums.ts"

/** So many workgroups keep a large card busy. */
export const enough = 1024

/** Of a whole, in about as many parts as are asked for: how large one is, and how many there are. */
export const divide = (whole: number, parts: number) => {
  const size = Math.ceil(whole / Math.max(1, Math.min(whole, parts)))
  return { size, parts: Math.ceil(whole / size) }
}

/** Adds up what the parts of the places have given; (parts, filter). */
export const together = (backend: WebGPUBackend, parts: tf.TensorInfo, count: number, shape: ReadonlyArray<number>) => {
  const whole = columnSums(backend, parts, count, tf.util.sizeFromShape([...shape]), shape)
  backend.disposeData(parts.dataId)
  return whole
}
