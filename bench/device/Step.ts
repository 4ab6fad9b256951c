/** One program that is run on the machine; it prints JSON lines. */
export interface Step {
  readonly name: string
  readonly program: "node" | "python"
  readonly args: ReadonlyArray<string>
  readonly limitSeconds: number
  /** Seconds that steps before it must leave for it. */
  readonly reserveSeconds: number
  /** Whether it is left out where Vulkan finds no adapter. */
  readonly needsAdapter: boolean
}

const networks = [
  { ours: "simple-cnn", theirs: "simple_cnn" },
  { ours: "mobilenet-v2", theirs: "mobilenet_v2" },
  { ours: "resnet50", theirs: "resnet50" }
] as const

type NetworkName = (typeof networks)[number]["ours"]

/** How large the work is, and on what it runs. */
export interface Size {
  readonly device: "gpu" | "cpu"
  /** Which tests of the engine run; onnxruntime is not carried, for its size. */
  readonly tests: string
  /** Height and width of the images, and those of SimpleCNN's, which can be no smaller than 46. */
  readonly side: number
  readonly simpleCnnSide: number
  readonly batches: Readonly<Record<NetworkName, ReadonlyArray<number>>>
  readonly steps: number
  /** Seconds that a training step is repeated for at most. */
  readonly seconds: number
  /** Photos that are drawn for an epoch, and those that are trained on; 0 for all. */
  readonly photos: number
  readonly images: number
  readonly minPerClass: number
  readonly epochBatch: number
  readonly epochs: number
  readonly workers: number
  readonly memorySteps: number
  /** What the limit of each step is multiplied by. */
  readonly patience: number
}

/** What a machine with a card is for. */
export const whole = (processors: number): Size => ({
  device: "gpu",
  tests: "^(?!.*onnxruntime)",
  side: 224,
  simpleCnnSide: 224,
  batches: { "simple-cnn": [32, 64, 256], "mobilenet-v2": [32, 64, 256], resnet50: [32, 64, 256] },
  steps: 50,
  seconds: 4,
  photos: 8000,
  images: 0,
  minPerClass: 5,
  epochBatch: 64,
  epochs: 2,
  workers: Math.min(12, Math.max(1, processors - 2)),
  memorySteps: 2000,
  patience: 1
})

/**
 * The same steps, small enough for a driver in software on a processor that is shared. There most of a step is the
 * compilation of its shaders, which no smaller image makes shorter: each network has one batch size, and four of the
 * engine's tests run.
 */
export const rehearsal: Size = {
  device: "cpu",
  tests: "engine's device.*(says what it is|leaves nothing|prints nothing|fails, and does not hang)",
  side: 32,
  simpleCnnSide: 48,
  // Of one image at this size, PyTorch has one value a channel for batch norm, and refuses.
  batches: { "simple-cnn": [2], "mobilenet-v2": [2], resnet50: [2] },
  steps: 1,
  seconds: 1,
  photos: 200,
  images: 30, // the fewest that `data.limit` takes, and it takes three of each class
  minPerClass: 20,
  epochBatch: 15,
  epochs: 1,
  workers: 1,
  memorySteps: 10,
  patience: 15
}

/** The steps in their order: what tells most about the engine first. */
export const stepsOf = (size: Size): ReadonlyArray<Step> => {
  const { device, epochBatch, images, photos, seconds, steps, workers } = size
  const at = (network: string) => {
    const side = `${network === "simple-cnn" ? size.simpleCnnSide : size.side}`
    return ["--height", side, "--width", side]
  }
  const engine = ["--engine", "webgpu", "--device", device]
  const theirs = ["--device", device === "gpu" ? "cuda" : "cpu", "--peers", "../shared/peers"]
  const times = ["--steps", `${steps}`, "--seconds", `${seconds}`]
  const epoch = [
    ["--batch", `${epochBatch}`, "--images", `${images}`, "--min-per-class", `${size.minPerClass}`, "--rotation", "10"],
    ["--workers", `${workers}`, "--epochs", `${size.epochs}`]
  ].flat()
  const step = (
    name: string,
    program: Step["program"],
    args: ReadonlyArray<string>,
    [limitSeconds, reserveSeconds]: readonly [number, number],
    needsAdapter = program === "node"
  ): Step => ({
    name,
    program,
    args,
    limitSeconds: limitSeconds * size.patience,
    reserveSeconds,
    needsAdapter
  })
  return [
    step("doctor", "node", ["bench/device/doctor.ts"], [30, 10], false),
    step(
      "contract",
      "node",
      [
        "node_modules/vitest/vitest.mjs",
        "run",
        "test/layers/engines/webgpu",
        "--reporter=./bench/device/EachTest.ts",
        `--testNamePattern=${size.tests}`
      ],
      [150, 60]
    ),
    ...networks.flatMap((network) => [
      ...size.batches[network.ours].map((batch) =>
        step(
          `training step: ${network.ours}, batch ${batch}`,
          "node",
          [
            "bench/trainStep.ts",
            ...engine,
            "--network",
            network.ours,
            ...at(network.ours),
            "--batch",
            `${batch}`,
            ...times
          ],
          [40, 8]
        )
      ),
      step(
        `training step: ${network.ours}, PyTorch`,
        "python",
        [
          "bench/device/train_step.py",
          ...theirs,
          "--network",
          network.theirs,
          ...at(network.ours),
          ...times,
          "--batches",
          ...size.batches[network.ours].map((batch) => `${batch}`)
        ],
        [60, 20]
      )
    ]),
    ...(["simple-cnn", "mobilenet-v2"] as const).flatMap((network) => [
      step(
        `epoch: ${network}`,
        "node",
        ["bench/epoch.ts", ...engine, "--network", network, "--sample", `${photos}`, ...at(network), ...epoch],
        [60, 25]
      ),
      step(
        `epoch: ${network}, PyTorch`,
        "python",
        [
          "bench/peers/epoch.py",
          ...theirs,
          "--network",
          network,
          "--data",
          `.weft/sample-${photos}-*`,
          ...at(network),
          ...epoch
        ],
        [60, 20]
      )
    ]),
    step(
      "memory",
      "node",
      ["--expose-gc", "bench/memory.ts", ...engine, "--steps", `${size.memorySteps}`, "--rows", "1000"],
      [40, 20]
    )
  ]
}
