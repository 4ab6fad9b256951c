import type { Comparison, Side } from "./Comparison.ts"

const node = (label: string, command: string): Side => ({ label, program: "node", args: command.split(" ") })
const torch = (command: string): Side => ({ label: "PyTorch", program: "torch", args: command.split(" ") })
const keras = (command: string): Side => ({ label: "Keras", program: "keras", args: command.split(" ") })

const trainStep = (
  engine: string,
  network: { readonly ours: string; readonly theirs: string },
  [height, width]: readonly [number, number],
  ratio: number | undefined,
  inference: boolean,
  peer: "torch" | "keras" = "torch"
): Comparison => {
  const size = `--height ${height} --width ${width}`
  const work = `${network.ours} ${height}x${width}, batch 32`
  return {
    suite: "train-step",
    ours: node(engine, `bench/trainStep.ts --engine ${engine} --network ${network.ours} ${size}`),
    peer:
      peer === "torch"
        ? torch(`{peers}/train_step.py --network ${network.theirs} ${size}`)
        : keras(`{peers}/keras_step.py ${size}`),
    figures: [
      {
        name: `${work}: training step`,
        field: "trainImagesPerSecond",
        unit: "images/s",
        ...(ratio !== undefined && { target: { ratio } })
      },
      ...(inference ? [{ name: `${work}: inference`, field: "inferImagesPerSecond", unit: "images/s" }] : [])
    ]
  }
}

const simpleCnn = { ours: "simple-cnn", theirs: "simple_cnn" }
const mobilenet = { ours: "mobilenet-v2", theirs: "mobilenet_v2" }

/** Networks that are torchvision's, or are made of its layers. */
const backboneStep = (
  network: string,
  batch: number,
  [height, width]: readonly [number, number] = [224, 224],
  ratio = 1
): Comparison => {
  const work = `--network ${network} --height ${height} --width ${width} --batch ${batch} --steps 3`
  const name = `${network} ${height}x${width}, batch ${batch}`
  return {
    suite: "backbones",
    ours: node("tensorflow", `bench/trainStep.ts --engine tensorflow ${work}`),
    peer: torch(`bench/peers/train_step.py --peers {peers} ${work}`),
    figures: [
      { name: `${name}: training step`, field: "trainImagesPerSecond", unit: "images/s", target: { ratio } },
      { name: `${name}: inference`, field: "inferImagesPerSecond", unit: "images/s" }
    ]
  }
}

const feed = "--size 224 --workers 2 --limit 4000"
const pixels = "80x60, batch 64, two workers"
const small = "--height 80 --width 60 --images 6400"

/** What is measured, suite by suite; a speed-up adds its row here. */
export const comparisons: ReadonlyArray<Comparison> = [
  trainStep("wasm", simpleCnn, [64, 64], undefined, true),
  trainStep("tensorflow", simpleCnn, [64, 64], 1, true),
  trainStep("tensorflow", simpleCnn, [224, 224], 1.25, true),
  trainStep("tensorflow", mobilenet, [128, 96], 1, true),
  trainStep("tensorflow", mobilenet, [128, 96], undefined, true, "keras"),
  trainStep("tensorflow", mobilenet, [224, 224], 1, true),
  backboneStep("resnet18", 16),
  backboneStep("mobilenet-v3-large", 16),
  backboneStep("efficientnet-b0", 16),
  backboneStep("efficientnet-b0", 32, [128, 96], 1.25),
  backboneStep("resnet50", 32, [128, 96], 1.25),
  backboneStep("convnext-atto", 16),
  backboneStep("convnext-tiny", 8),
  backboneStep("vit-s16", 8),
  backboneStep("vit-b16", 4),
  {
    suite: "feed",
    ours: node("threads", `bench/feed.ts --data {data}/images ${feed}`),
    peer: { ...torch(`{peers}/input_pipeline.py --data {data}/images ${feed}`), label: "torchvision DataLoader" },
    figures: [
      {
        name: "224x224, flip, rotation, batch 64: first epoch",
        field: "imagesPerSecond",
        unit: "images/s",
        target: { ratio: 1.5 }
      },
      {
        name: "the same: later epochs",
        field: "laterImagesPerSecond",
        peerField: "imagesPerSecond",
        unit: "images/s"
      }
    ]
  },
  {
    suite: "feed",
    ours: node("threads", "bench/feed.ts --data {large} --size 224 --workers 2 --limit 600"),
    peer: {
      ...torch("{peers}/input_pipeline.py --data {large} --size 224 --workers 2 --limit 600"),
      label: "torchvision DataLoader"
    },
    figures: [
      {
        name: "JPEGs of 1200x1600 to 224x224, flip, rotation, batch 64: first epoch",
        field: "imagesPerSecond",
        unit: "images/s",
        target: { ratio: 2 }
      },
      {
        name: "the same: later epochs",
        field: "laterImagesPerSecond",
        peerField: "imagesPerSecond",
        unit: "images/s"
      }
    ]
  },
  {
    suite: "feed",
    ours: node("shared, used again", "bench/ways/transfer.ts --data {data}/images --buffers shared"),
    peer: node("transferred", "bench/ways/transfer.ts --data {data}/images --buffers transferred"),
    figures: [
      { name: "batches of threads, 224x224: later epochs", field: "imagesPerSecond", unit: "images/s" },
      { name: "the same: processor time per image", field: "cpuMsPerImage", unit: "ms" }
    ]
  },
  {
    suite: "feed",
    ours: node("SIMD, one thread", "bench/ways/augment.ts --data {data}/images --where feed"),
    peer: node("tensorflow", "bench/ways/augment.ts --data {data}/images --where tensorflow"),
    figures: [
      { name: "enlarging and turning a batch to 224x224", field: "imagesPerSecond", unit: "images/s" },
      { name: "the same: processor time per image", field: "cpuMsPerImage", unit: "ms" }
    ]
  },
  {
    suite: "feed",
    ours: node("loader.cache", `bench/feed.ts --data {data}/images --memory 0 --cache ${feed}`),
    peer: node("decoded anew", `bench/feed.ts --data {data}/images --memory 0 ${feed}`),
    figures: [
      { name: "beyond loader.memory, 224x224: later epochs", field: "laterImagesPerSecond", unit: "images/s" },
      { name: "the same: processor time per image, all of the feed", field: "laterCpuMsPerImage", unit: "ms" },
      { name: "the same: first epoch, which writes", field: "cpuMsPerImage", unit: "ms" }
    ]
  },
  {
    suite: "epoch",
    ours: node("tensorflow", `bench/epoch.ts --data {data} --engine tensorflow ${small}`),
    peer: torch(`bench/peers/epoch.py --data {data} --peers {peers} ${small}`),
    figures: [
      {
        name: `SimpleCNN ${pixels}: first epoch`,
        field: "imagesPerSecond",
        unit: "images/s",
        target: { ratio: 1.5 }
      },
      {
        name: "the same: second epoch",
        field: "laterImagesPerSecond",
        unit: "images/s",
        target: { ratio: 1.5 }
      },
      { name: "the same: share of waiting, first epoch", field: "waiting", unit: "" }
    ]
  },
  {
    suite: "epoch",
    ours: node(
      "tensorflow",
      "bench/epoch.ts --data {data} --engine tensorflow --height 224 --width 224 --rotation 10 --images 960"
    ),
    figures: [
      {
        name: "SimpleCNN 224x224, flip, rotation: share of waiting",
        field: "waiting",
        unit: "",
        target: { atMost: 0.1 }
      },
      { name: "the same: images", field: "imagesPerSecond", unit: "images/s" }
    ]
  },
  ...(
    [
      { network: "mobilenet-v2", by: "auto", target: { ratio: 4 } },
      { network: "vgg16", by: "auto", target: { ratio: 1.5 } },
      { network: "mobilenet-v2", by: "onnxruntime" },
      { network: "vgg16", by: "onnxruntime" }
    ] as const
  ).map(({ by, network, ...wanted }): Comparison => ({
    suite: "features",
    ours: node(
      by === "auto" ? "what `auto` takes here" : by,
      `bench/features.ts --by ${by} --network ${network} --size 224`
    ),
    peer: torch(`{peers}/train_step.py --network ${network.replace("-", "_")} --steps 4`),
    figures: [
      {
        name: `${network} 224x224, batch 32, frozen: forward`,
        field: "imagesPerSecond",
        peerField: "inferImagesPerSecond",
        unit: "images/s",
        ...wanted
      }
    ]
  })),
  {
    suite: "search",
    ours: node("tensorflow", "bench/search.ts --data {data} --engine tensorflow --images 6400 --epochs 3 --rounds 3"),
    figures: [
      {
        name: "12 trials of frozen MobileNetV2 224x224 together: time against one alone",
        field: "timesAlone",
        unit: "times",
        target: { atMost: 1.5 }
      },
      { name: "the same: processor time", field: "cpuTimesAlone", unit: "times" },
      { name: "the same: the one alone", field: "aloneSeconds", unit: "s" }
    ]
  },
  ...["wasm", "tensorflow"].map((engine): Comparison => ({
    suite: "memory",
    ours: { label: engine, program: "node", args: ["--expose-gc", "bench/memory.ts", "--engine", engine] },
    figures: [
      {
        name: "10,000 steps: what the second half adds",
        field: "trainingGrowthMiB",
        unit: "MiB",
        target: { atMost: 8 }
      },
      {
        name: "a CSV of a million rows: what the second half adds",
        field: "csvGrowthMiB",
        unit: "MiB",
        target: { atMost: 8 }
      }
    ]
  }))
]

/** The suites' names, as `pnpm bench` takes them. */
export const suites = ["train-step", "backbones", "feed", "epoch", "features", "search", "memory"] as const
