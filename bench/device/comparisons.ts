import type { StepRecord } from "./DeviceReport.ts"

/** Ours against PyTorch's, for one network and batch size. */
export interface StepComparison {
  readonly network: string
  readonly batch: number
  readonly ours: number | undefined
  /** In float32, and with TF32 on the tensor cores. */
  readonly pytorch: number | undefined
  readonly pytorchTf32: number | undefined
  /** Ours by PyTorch's in float32. */
  readonly ratio: number | undefined
  readonly ratioToTf32: number | undefined
}

const ratioOf = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined || b === 0 ? undefined : Math.round((1000 * a) / b) / 1000

/** A network's name, in ours and in torchvision's spelling. */
const plain = (name: unknown) => String(name).replaceAll(/[-_]/g, "")

/** The training steps' images per second, side by side: of what has been measured so far. */
export const comparisonsOf = (steps: ReadonlyArray<StepRecord>): ReadonlyArray<StepComparison> => {
  const lines = steps.filter(({ name }) => name.startsWith("training step")).flatMap(({ lines }) => lines)
  const speed = (of: Readonly<Record<string, unknown>> | undefined) => {
    const found = of?.["trainImagesPerSecond"]
    return typeof found === "number" ? found : undefined
  }
  return lines
    .filter((line) => "engine" in line)
    .map((line) => {
      const { batch, network } = line
      const theirs = (tf32: boolean) =>
        speed(
          lines.find(
            (one) =>
              "peer" in one &&
              plain(one["network"]) === plain(network) &&
              one["batch"] === batch &&
              one["tf32"] === tf32
          )
        )
      const [ours, pytorch, pytorchTf32] = [speed(line), theirs(false), theirs(true)]
      return {
        network: String(network),
        batch: Number(batch),
        ours,
        pytorch,
        pytorchTf32,
        ratio: ratioOf(ours, pytorch),
        ratioToTf32: ratioOf(ours, pytorchTf32)
      }
    })
}
