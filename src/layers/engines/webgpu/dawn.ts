import { create } from "webgpu"

const apis: Partial<Record<NodeJS.Platform, string>> = { darwin: "metal", win32: "d3d12" }

/** Dawn's way to the graphics card; one that it would take besides (OpenGL) has none of what we need. */
export const api = apis[process.platform] ?? "vulkan"

/** On what to compute: a graphics card, or a processor that does a card's work. */
export type Kind = "gpu" | "cpu"

/** Dawn, and the fastest adapter of a kind that it finds. Asked for a card, it gives a software adapter where there is none. */
export const findBest = async (kind: Kind): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter | null }> => {
  const gpu = create([`backend=${api}`])
  const adapter = await gpu.requestAdapter({
    powerPreference: "high-performance",
    forceFallbackAdapter: kind === "cpu"
  })
  return { gpu, adapter }
}
