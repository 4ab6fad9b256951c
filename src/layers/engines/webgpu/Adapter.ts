import { Schema } from "effect"

/** What is known of an adapter before a device is made of it. */
export const Adapter = Schema.Struct({
  name: Schema.String,
  vendor: Schema.String,
  architecture: Schema.String,
  driver: Schema.String,
  /** A processor that does a graphics card's work: SwiftShader, llvmpipe, WARP. */
  software: Schema.Boolean,
  /** "vulkan", "metal" or "d3d12". */
  api: Schema.String,
  /** Bytes. */
  largestBuffer: Schema.Finite,
  /** Bytes that the threads of a workgroup share. */
  workgroupMemory: Schema.Finite,
  workgroupThreads: Schema.Finite
})
export type Adapter = typeof Adapter.Type

/** The adapter's limits for programs, each with its unit in its name. */
export const limitsOf = ({ largestBuffer, workgroupMemory, workgroupThreads }: Adapter) => ({
  largestTensorBytes: largestBuffer,
  workgroupMemoryBytes: workgroupMemory,
  workgroupThreads
})

const names: Readonly<Record<string, string>> = { vulkan: "Vulkan", metal: "Metal", d3d12: "Direct3D 12" }

/** The adapter for people: name, kind, driver and limits. */
export const describe = (adapter: Adapter): string => {
  const kind = adapter.software ? "software adapter" : "graphics card"
  const maker = [adapter.vendor, adapter.architecture].filter((word) => word !== "").join(" ")
  const gibibytes = (adapter.largestBuffer / 2 ** 30).toFixed(1)
  return [
    `${adapter.name} (${[kind, maker].filter((word) => word !== "").join(", ")})`,
    `${names[adapter.api] ?? adapter.api}${adapter.driver === "" ? "" : `, driver ${adapter.driver}`}`,
    `tensors up to ${gibibytes} GiB`,
    `workgroups of ${adapter.workgroupThreads} threads and ${adapter.workgroupMemory / 1024} KiB`
  ].join(", ")
}
